"""Use cases of experiments that somebody keeps to themselves, or shares with some."""

from __future__ import annotations

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.kernel.errors import NotAllowed, NotFound
from faena.people import service, sharing_store, store
from faena.people.model import Caller, Role, role_of
from faena.people.schemas import Sharing, SharingChange
from faena.workspaces import service as experiments
from faena.workspaces.schemas import ExperimentView

_MOST = 500


def show(read: Read, name: str, caller: Caller | None) -> Sharing:
    """Raises NotFound, also for an experiment that is not there for the caller."""
    found = experiments.get(read, name)
    number = _number(found)
    owner, private = sharing_store.owner(read, number)
    people = sharing_store.shared_with(read, number)
    return Sharing(found.name, owner or "", private, people, _may_change(caller, owner))


def change(write: Write, name: str, wanted: SharingChange, caller: Caller | None, now: Micros) -> Sharing:
    """Raises NotFound; NotAllowed for who is neither its owner nor one of the workspace; UserErrorException."""
    found = experiments.get(write, name)
    number = _number(found)
    owner, private = sharing_store.owner(write, number)
    if not _may_change(caller, owner):
        raise NotAllowed(
            f"{found.name!r} is shared by {owner or 'owners of the workspace'}, who made it, and by owners of the "
            "workspace."
        )
    people = sharing_store.shared_with(write, number) | wanted.add
    for person in wanted.remove:
        people.pop(person, None)
    for person, role in wanted.add.items():
        _check(write, person, role)
    if wanted.owner is not None:
        _check_known(write, wanted.owner)
        owner = wanted.owner
    elif owner is None and caller is not None:
        owner = caller.person
    is_private = private if wanted.private is None else wanted.private
    if len(people) > _MOST:
        raise NotAllowed(f"An experiment is shared with {_MOST} people at most.")
    sharing_store.keep(write, number, owner, now if is_private else None)
    sharing_store.share(write, number, people)
    write.notify(service.TOPIC)
    return show(write, name, caller)


def sees(read: Read, person: str, experiment: str) -> bool:
    """Whether an experiment is there for somebody; a private one for nobody whose name is not known here."""
    if store.role_of(read, person) is Role.OWNER:
        return True
    return experiment not in sharing_store.view_of(read, person).hidden.values()


def _number(experiment: ExperimentView) -> int:
    assert experiment.id is not None, "each has one here"
    return experiment.id


def _may_change(caller: Caller | None, owner: str | None) -> bool:
    if caller is None or caller.role is Role.OWNER:
        return True
    return owner == caller.person and caller.role is Role.CONTRIBUTOR


def _check(read: Read, person: str, role: str) -> None:
    _check_known(read, person)
    if role_of(role) is Role.OWNER:
        raise NotAllowed(
            "An experiment is shared with readers and contributors. `owner` gives it to somebody else."
        )


def _check_known(read: Read, person: str) -> None:
    if store.role_of(read, person) is None:
        raise NotFound(f"There is no person {person[:80]!a} here. `faena people` lists those that there are.")
