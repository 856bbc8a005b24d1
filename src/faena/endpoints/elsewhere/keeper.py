"""Looks after endpoints whose fronts are on machines of joined clusters: chooses the machine, tells it what it is to
hold, and makes of what it says what a front here would say.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from faena.compute.leases import Leases
from faena.compute.machines import store as machine_store
from faena.compute.machines.model import Machine
from faena.db import Database, Read
from faena.endpoints import preparing, store
from faena.endpoints.elsewhere import placing
from faena.endpoints.elsewhere.machines import Machines
from faena.endpoints.elsewhere.placing import Place
from faena.endpoints.elsewhere.schemas import Said, WantedEndpoint
from faena.endpoints.folder import EndpointFolder
from faena.endpoints.front_folder import FrontFolder
from faena.endpoints.model import Endpoint, Revision, Stage
from faena.endpoints.plans import plan
from faena.endpoints.schemas import FailureView
from faena.scoring.status import Failure, RevisionStatus, State, Status

_HERE = ("127.0.0.1", "localhost", "::1")
"""Addresses that mean the machine itself, at which nobody else would reach it: its own is meant."""


class Seen(Struct, frozen=True):
    """How an endpoint is. `is_known` False: its machine has not said so for a while that is too short to matter."""

    status: Status | None = None
    trouble: FailureView | None = None
    is_known: bool = True
    moved_to: str | None = None
    """The id of another machine, which is to have it from now on; `status`: it answers there already."""


class FarKeeper:
    def __init__(
        self,
        database: Database,
        machines: Machines,
        leases: Leases,
        workspace: Path,
        monotonic: Callable[[], float],
    ) -> None:
        self._database = database
        self._machines = machines
        self._leases = leases
        self._workspace = workspace
        self._monotonic = monotonic
        self._began = monotonic()
        self._heard: dict[str, float] = {}
        self._places: dict[str, list[Place]] = {}
        """By cluster."""
        self._taken: Counter[str] = Counter()
        self._coming: dict[str, str] = {}
        """Machines to which endpoints move, by the id of the endpoint."""
        self._wanted: dict[str, dict[str, WantedEndpoint]] = {}
        """By machine."""

    # Before, and after, a look at all endpoints

    async def begin(self, endpoints: Sequence[Endpoint]) -> None:
        """See which machines there are."""
        self._wanted = defaultdict(dict)
        self._taken = Counter(each.machine for each in endpoints if each.machine)
        self._places = {}
        if not self._machines.known and not any(each.settings.cluster for each in endpoints):
            return
        found = await self._database.read_first(machine_store.list_machines)
        alive, quiet, now = self._leases.alive(), self._leases.quiet(), self._monotonic()
        for machine in found:
            if machine.node in alive and machine.node not in quiet:
                self._heard[machine.id] = now
            away = now - self._heard.get(machine.id, self._began)
            place = Place(machine, 0.0 if machine.node in alive else max(away, 1e-6))
            self._places.setdefault(machine.cluster, []).append(place)
        for gone in set(self._machines.known) - {machine.id for machine in found}:
            self._machines.forget(gone)
            self._heard.pop(gone, None)

    async def end(self, endpoints: Sequence[Endpoint]) -> None:
        """Tell the machines."""
        if not self._places:
            return
        there = await self._database.read_first(store.all_ids)
        by_id = {each.id: each for each in endpoints}
        for place in (each for its in self._places.values() for each in its):
            machine = place.machine
            has = self._machines.endpoints_on(machine.id) or frozenset()
            ended = frozenset(each for each in has if self._is_over(each, machine.id, by_id, there))
            wanted = self._wanted.get(machine.id, {})
            self._machines.want(machine.id, machine.node or "", wanted, ended)

    def _is_over(
        self, endpoint_id: str, machine: str, by_id: Mapping[str, Endpoint], there: frozenset[str]
    ) -> bool:
        """Whether a machine is to end an endpoint that it has. One that moves answers here until it does there."""
        endpoint = by_id.get(endpoint_id)
        if endpoint is None:
            return endpoint_id not in there
        if endpoint.deleted_at is not None:
            return True
        if self._coming.get(endpoint_id) == machine:
            return False
        return endpoint.machine != machine and endpoint.state == State.HEALTHY and endpoint.wanted is None

    # Of one endpoint

    async def look_after(self, endpoint: Endpoint, revisions: Sequence[Revision]) -> Seen:
        """Raises FaenaError and OSError for what it is to be that cannot be told."""
        places = self._places.get(endpoint.settings.cluster, [])
        coming = self._coming.get(endpoint.id, "")
        place = placing.choose(endpoint, places, self._taken, self._leases.terms.lost, coming)
        if place is None:
            return Seen(trouble=FailureView(placing.why_none(endpoint, places)))
        if place.machine.id == endpoint.machine:
            self._coming.pop(endpoint.id, None)
            return await self._look_at(endpoint, revisions, place)
        self._coming[endpoint.id] = place.machine.id  # until the row says so
        here = next((each for each in places if each.machine.id == endpoint.machine), None)
        answers_here = here is not None and not here.away and bool(endpoint.traffic)
        there = None
        if here is not None and answers_here:
            there = await self._answers_on(endpoint, revisions, place)
            if there is None:
                return await self._look_at(endpoint, revisions, here)
        self._taken[place.machine.id] += 1
        return Seen(moved_to=place.machine.id, status=there)

    async def _answers_on(
        self, endpoint: Endpoint, revisions: Sequence[Revision], place: Place
    ) -> Status | None:
        """How it answers on the machine to which it moves. None: not yet, and where it is it goes on."""
        seen = await self._look_at(endpoint, revisions, place)
        status = seen.status
        is_ready = status is not None and status.state is State.HEALTHY and bool(status.serving)
        return status if is_ready else None

    async def _look_at(self, endpoint: Endpoint, revisions: Sequence[Revision], place: Place) -> Seen:
        machine = place.machine
        said = self._machines.said(machine.id, endpoint.id)
        prepared = () if said is None else said.prepared
        front = await self._database.read_first(
            partial(self._front, endpoint=endpoint, revisions=revisions, machine=machine, prepared=prepared)
        )
        self._wanted[machine.id][endpoint.id] = WantedEndpoint(
            endpoint.id,
            prepare=_wanted(endpoint, revisions),
            keep=tuple(sorted(each.number for each in revisions)),
            front=front,
        )
        if place.away >= self._leases.terms.lost:
            return Seen(trouble=FailureView(_silent(machine)))
        if place.away or self._machines.endpoints_on(machine.id) is None:
            return Seen(is_known=False)
        return Seen(status=None if said is None else _status(said))

    def has_ended(self, endpoint: Endpoint) -> bool:
        """Whether nothing is left of one that is deleted on its machine, or that machine is away and hears it later."""
        if not endpoint.machine:
            return True
        every = (each for its in self._places.values() for each in its)
        place = next((each for each in every if each.machine.id == endpoint.machine), None)
        if place is None or place.away:
            return True
        has = self._machines.endpoints_on(endpoint.machine)
        return has is not None and endpoint.id not in has

    def _front(
        self,
        read: Read,
        endpoint: Endpoint,
        revisions: Sequence[Revision],
        machine: Machine,
        prepared: Sequence[int],
    ) -> dict[str, Any] | None:
        there = [each for each in revisions if each.number in prepared]
        models = {
            each.number: preparing.staged_models(read, each)
            for each in there
            if each.number in endpoint.used and each.stage is Stage.READY
        }
        own = EndpointFolder.of(self._workspace, endpoint.name)
        made = plan(
            endpoint, there, models, FrontFolder(Path()), self._workspace.name, own.keys, machine.told.cores
        )
        if made is None:
            return None
        if made.host in _HERE:
            made = msgspec.structs.replace(made, host=machine.told.address)
        told: dict[str, Any] = msgspec.to_builtins(made)
        for revision in told["revisions"]:
            revision["variables"] = {}  # the machine has those of each from its needs
        if made.tls is not None:
            told["tls"] = {
                "certificate": Path(made.tls.certificate).read_text(),
                "key": Path(made.tls.key).read_text(),
            }
        return told


def _wanted(endpoint: Endpoint, revisions: Sequence[Revision]) -> tuple[int, ...]:
    ready = (each.number for each in revisions if each.stage is Stage.READY)
    return tuple(sorted(number for number in ready if number in endpoint.used))


def _status(said: Said) -> Status | None:
    """As a front here would say it that cannot start a revision which failed there."""
    if not said.failed:
        return said.status
    failures = {
        number: RevisionStatus(State.FAILED, Failure(message)) for number, message in said.failed.items()
    }
    if said.status is None:
        why = next(iter(failures.values())).error
        return Status(
            pid=0, started_at="", port=None, state=State.TRANSITIONING, error=why, revisions=failures
        )
    return msgspec.structs.replace(said.status, revisions={**failures, **said.status.revisions})


def _silent(machine: Machine) -> str:
    return (
        f"Nothing is heard of the machine {machine.name!r} of {machine.cluster!r}, which has the endpoint. It may "
        "still answer there."
    )


def moved(endpoint: Endpoint, machine: str, status: Status | None) -> Endpoint:
    """On another machine from now on, where it may answer already. It keeps its port, if that is free there."""
    if status is not None:
        return replace(endpoint, machine=machine, port=status.port, failure=None)
    state = str(State.TRANSITIONING) if endpoint.traffic else endpoint.state
    return replace(endpoint, machine=machine, state=state, failure=None)
