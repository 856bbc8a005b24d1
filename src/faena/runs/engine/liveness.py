"""Finds nodes whose runner died and sees that what they had is finished."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from faena.attempts.folder import AttemptFolder
from faena.attempts.key import AttemptKey
from faena.compute import store as compute
from faena.compute.contract import Backend
from faena.compute.leases import Leases
from faena.compute.machines import store as machines
from faena.compute.model import Node
from faena.db import Database, Read, Write
from faena.kernel.clock import Clock
from faena.kernel.discovery import is_held
from faena.kernel.process_identity import Living
from faena.runs import attempt_store
from faena.runs.engine import attempts, elsewhere
from faena.runs.model import Attempt, AttemptState, EndReason, Outcome

_log = logging.getLogger(__name__)


class Liveness:
    """Looks at processes outside transactions, writes inside them."""

    def __init__(
        self, database: Database, backend: Backend, folder: Path, clock: Clock, leases: Leases
    ) -> None:
        self._database = database
        self._backend = backend
        self._leases = leases
        self._folder = folder
        self._clock = clock

    def attempt_folder(self, attempt: Attempt) -> Path:
        return _key(attempt).folder(self._folder)

    def sweep(self, read: Read) -> list[Path]:
        """Attempt folders whose attempt is closed: their runner died between that and removing them."""
        open_folders = {self.attempt_folder(attempt) for attempt in attempt_store.open_attempts(read)}
        return [folder for folder in self._folder.glob("*/*/*") if folder not in open_folders]

    async def alive(self) -> set[str]:
        """The ids of the nodes whose runner lives, all looked at together and off the event loop."""
        return await asyncio.to_thread(self._backend.alive)

    @property
    def knows_elsewhere(self) -> bool:
        """Whether there are nodes elsewhere."""
        return self._leases.number > 0

    async def is_any_dead(self, here: list[Node]) -> bool:
        return bool(self._leases.lost() or await self._dead_here(here))

    async def dead(self, here: list[Node]) -> list[Node]:
        """Of those that are processes of this host, and of all elsewhere."""
        dead = await self._dead_here(here)
        if lost := self._leases.lost():
            found = await self._database.read_first(
                lambda read: {node: compute.node(read, node) for node in lost}
            )
            dead += [node for node in found.values() if node is not None]
            for node_id, node in found.items():
                if node is None:  # its row went otherwise
                    self._leases.forget(node_id)
        return dead

    async def _dead_here(self, nodes: list[Node]) -> list[Node]:
        if not nodes:
            return []
        alive = await self.alive()
        return [node for node in nodes if node.id not in alive]

    def remove(self, write: Write, nodes: Sequence[Node]) -> None:
        """Forget nodes that have died; an attempt whose folder was never made ends here."""
        now = self._clock.now()
        for node in nodes:
            compute.remove_node(write, node, now)
            if node.machine is not None:
                machines.heard(write, node.machine, now - int(self._leases.terms.lost * 1e6))
        write.notify("engine")

    def unreported(self, read: Read, alive: set[str]) -> list[Attempt]:
        """Attempts whose script cannot live any more, though nobody has said yet how it ended."""
        living = alive & compute.node_ids(read)
        return [
            attempt
            for attempt in attempt_store.open_attempts(read)
            if attempt.state in (AttemptState.GIVEN, AttemptState.STARTED) and self._has_left(attempt, living)
        ]

    def _has_left(self, attempt: Attempt, living: set[str]) -> bool:
        if attempt.machine is not None:  # its machine says, or its lease ends
            return False
        if process := Living.of_name(attempt.node):
            return not process.lives()
        return attempt.node not in living or self._guard_has_left(attempt)

    def _guard_has_left(self, attempt: Attempt) -> bool:
        folder = AttemptFolder(self.attempt_folder(attempt))
        return folder.started_at() is not None and not is_held(folder.guard_lock)

    def take_care(self, orphans: list[Attempt]) -> list[Attempt]:
        """Have somebody finish each; those returned have left nothing on disk and end with `lose`. Blocks.

        `orphans`: of this host.
        """
        nothing: list[Attempt] = []
        processes: set[str] = set()
        for attempt in orphans:
            folder = self.attempt_folder(attempt)
            if attempt.state is AttemptState.CLOSED:
                nothing.append(attempt)
            elif Living.of_name(attempt.node):
                if folder.exists():
                    processes.add(attempt.node)
                else:
                    nothing.append(attempt)
            elif any((folder / record).exists() for record in ("order.json", "start.json", "end.json")):
                name = _key(attempt).name
                self._tend(f"adopt-{name.replace('/', '-')}", "adopt", name)
            else:
                nothing.append(attempt)
        for process in processes:
            self._tend(f"watch-{process}", "watch", process)
        return nothing

    def _tend(self, name: str, *arguments: str) -> None:
        try:
            self._backend.tend(name, arguments)
        except OSError:  # the next look tries again
            _log.exception("%s could not be started", name)

    def lose(self, write: Write, orphans: Sequence[Attempt]) -> None:
        now = self._clock.now()
        for attempt in orphans:
            if attempt.machine is not None:
                elsewhere.lose(write, attempt, now)
                continue
            which = (attempt.run_id, attempt.attempt, attempt.rank)
            attempts.give_up(write, *which, self._lost(attempt), now)

    def quiet(self) -> set[str]:
        """Nodes elsewhere of which nothing is heard at the moment."""
        return self._leases.quiet()

    def know(self, read: Read) -> None:
        """Nodes elsewhere, as the database has them, get a fresh term: nobody could be heard before."""
        for node in compute.ids_elsewhere(read):
            if not self._leases.is_known(node):
                self._leases.hear(node)

    def await_(self, nodes: Sequence[str]) -> None:
        """Somebody elsewhere was asked for these: they have a term from now on."""
        for node in nodes:
            self._leases.hear(node)

    def _lost(self, attempt: Attempt) -> Outcome:
        if attempt.state is AttemptState.GIVEN:
            return Outcome(EndReason.NODE_LOST, "The node's runner died before the script started.")
        reason = EndReason.PROCESS_ENDED if Living.of_name(attempt.node) else EndReason.NODE_LOST
        message = (
            f"The attempt's folder {self.attempt_folder(attempt)} is gone: how the run ended is not known, and what "
            "had not been brought to the server is lost. What had been is kept."
        )
        return Outcome(reason, message)


def _key(attempt: Attempt) -> AttemptKey:
    return AttemptKey(attempt.run_id, attempt.attempt, attempt.rank)
