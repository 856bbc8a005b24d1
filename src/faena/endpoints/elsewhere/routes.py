"""HTTP for machines that hold endpoints: what they are to hold, what they have, and answers to what was asked there."""

from __future__ import annotations

from typing import Annotated

from litestar import Request, get, post, put
from litestar.datastructures import State
from litestar.params import Parameter

from faena.compute.machines import store as machine_store
from faena.compute.machines.model import Machine
from faena.db import Database, Read
from faena.endpoints import preparing, store
from faena.endpoints.elsewhere.machines import Machines, topic
from faena.endpoints.elsewhere.schemas import Held, ModelFiles, Report, RevisionNeeds
from faena.endpoints.model import Endpoint, Revision
from faena.environments import store as locks
from faena.kernel.errors import NotFound
from faena.kernel.notifications import Notifications
from faena.kernel.rights import HOST
from faena.kernel.routing import Router

Wait = Annotated[float, Parameter(ge=0, le=60)]


@get("/{node:str}/endpoints", summary="What a machine is to hold, once that is not what it `have`s", opt=HOST)
async def held(
    node: str,
    database: Database,
    machines: Machines,
    notifications: Notifications,
    wait: Wait = 0.0,
    have: str = "",
) -> Held:
    machine = await database.read_first(lambda read: _machine(read, node))
    with notifications.subscribe(topic(machine.id)) as subscription:
        found = machines.held_by(machine.id)
        if wait and have == found.version and not found.questions and not found.report:
            await subscription.wait(wait)
            found = machines.held_by(machine.id)
    machines.take_questions(machine.id, found.questions)
    return found


@put("/{node:str}/endpoints", status_code=204, summary="What a machine has of endpoints", opt=HOST)
async def report(node: str, data: Report, database: Database, machines: Machines) -> None:
    machine = await database.read_first(lambda read: _machine(read, node))
    machines.take(machine.id, data)


@get(
    "/{node:str}/endpoints/{endpoint:str}/revisions/{number:int}",
    summary="What a revision is made of",
    opt=HOST,
)
async def needs(
    node: str, endpoint: str, number: int, database: Database, machines: Machines
) -> RevisionNeeds:
    """To a machine that is told to hold the endpoint, nobody else."""
    machine = await database.read_first(lambda read: _machine(read, node))
    if not machines.is_wanted(machine.id, endpoint):
        raise _has_none(machine, endpoint, number)
    return await database.read(lambda read: _needs(read, machine, endpoint, number))


@post(
    "/{node:str}/endpoint-answers/{question:str}",
    status_code=204,
    summary="What an endpoint's machine answers",
    opt=HOST,
)
async def answer(
    node: str, question: str, request: Request[None, None, State], database: Database, machines: Machines
) -> None:
    machine = await database.read_first(lambda read: _machine(read, node))
    machines.take_answer(machine.id, question, await request.body())


def _machine(read: Read, node: str) -> Machine:
    found = machine_store.by_node(read, node)
    if found is None:
        raise NotFound(f"The node {node[:80]!r} is none of a machine that has joined.")
    return found


def _has_none(machine: Machine, endpoint_id: str, number: int) -> NotFound:
    return NotFound(f"{machine.name} has no revision {number} of {endpoint_id[:80]!r}.")


def _needs(read: Read, machine: Machine, endpoint_id: str, number: int) -> RevisionNeeds:
    """Raises NotFound."""
    endpoint = store.get(read, endpoint_id.rpartition(".")[0])
    found = None if endpoint is None else _revision(read, endpoint, number)
    if endpoint is None or endpoint.id != endpoint_id or found is None:
        raise _has_none(machine, endpoint_id, number)
    lock = None if found.lock is None else locks.get(read, found.lock)
    if lock is None:
        raise NotFound(f"The environment of revision {number} of {endpoint.name} is not known yet.")
    return RevisionNeeds(
        found.spec.snapshot,
        tuple(
            ModelFiles(each.name, each.version, tuple(dict(file) for file in each.files), tuple(each.aliases))
            for each in preparing.staged_models(read, found)
        ),
        {"built": lock.built, "lock": found.lock, "interpreter": preparing.python_elsewhere(lock)},
        found.spec.inherited_variables,
        found.spec.environment_variables,
    )


def _revision(read: Read, endpoint: Endpoint, number: int) -> Revision | None:
    return next((each for each in store.revisions_of(read, [endpoint.name]) if each.number == number), None)


router = Router("/nodes", route_handlers=[held, report, needs, answer], tags=["nodes"])
