"""A run's files as they are now, wherever its script writes them: on this host, or on other machines."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import IO

from msgspec import Struct

from faena.attempts import whole_copies
from faena.attempts.folder import SPECIAL, AttemptFolder
from faena.attempts.key import AttemptKey
from faena.compute.machines import store as machines
from faena.db import Database, Read
from faena.kernel.errors import Conflict
from faena.kernel.lanes import BYTES
from faena.objects.service import Objects
from faena.runs import attempt_store, live_files, store
from faena.runs.far_files import FarAttempt, FarFiles, Unanswered
from faena.runs.live_files import LiveFile
from faena.runs.model import Attempt, AttemptState
from faena.tracking.model import StoredFile
from faena.workspaces.model import WorkspaceFolder

_MOST_MACHINES = 32
"""That are asked for one run at a time."""
_SENDING = 50.0
"""Seconds for a file that somebody waits for; what came of it is not sent again."""
_SENDING_MANY = 600.0


class CurrentFile(Struct, frozen=True):
    size: int
    here: LiveFile | None = None
    there: FarAttempt | None = None


class Current(Struct, frozen=True):
    """`untold`: why there may be more that is not known now, as a whole sentence; empty: there is no more."""

    files: Mapping[str, CurrentFile]
    untold: str = ""

    @property
    def sizes(self) -> dict[str, int]:
        return {name: file.size for name, file in self.files.items()}


class Opened(Struct, frozen=True):
    """`file`: None where it is not there, or not known to be; `untold` as of `Current`."""

    file: IO[bytes] | None = None
    size: int = 0
    untold: str = ""


class _Places(Struct, frozen=True):
    here: Sequence[AttemptFolder] = ()
    there: Sequence[FarAttempt] = ()
    untold: tuple[str, ...] = ()


class CurrentFiles:
    def __init__(self, database: Database, objects: Objects, folder: WorkspaceFolder, far: FarFiles) -> None:
        self._database = database
        self._objects = objects
        self._folder = folder
        self._far = far

    async def look(self, run_id: str, *, soon: bool = False) -> Current:
        """None of a run that has ended, whose files are kept.

        `soon`: where another machine needs its time, those that it had when it was asked last.
        """
        places = await self._places(run_id)
        found = {
            name: CurrentFile(file.size, here=file)
            for name, file in (await BYTES.run(live_files.look, places.here) if places.here else {}).items()
        }
        untold = list(places.untold)
        names = self._far.names_soon if soon else self._far.names
        for each, told in zip(places.there, await asyncio.gather(*map(names, places.there)), strict=True):
            untold += [told.untold] if told.untold else []
            for name, size in told.sizes.items():
                found.setdefault(name, CurrentFile(size, there=each))
        return Current(found, _sentence(untold))

    async def open(self, run_id: str, name: str, most: int = 0) -> Opened:
        """A whole copy of one, where it is there now.

        Raises Conflict where it is written again and again, or has more bytes than `most`, where that is given.
        """
        places = await self._places(run_id)
        if places.here:
            found = await BYTES.run(live_files.look, places.here)
            if name in found:
                return await self._copied(name, found[name], most)
        if name.split("/")[0] not in SPECIAL:
            return Opened()
        untold = list(places.untold)
        for attempt in places.there:
            try:
                sent = await self._far.sent(attempt, (name,), _SENDING, most)
            except Unanswered as error:
                untold.append(str(error))
                continue
            if (kept := sent.get(name)) is not None:
                return Opened(await BYTES.run(self._objects.files.open, kept.digest), kept.size)
        return Opened(untold=_sentence(untold))

    async def _copied(self, name: str, file: LiveFile, most: int) -> Opened:
        if most and file.size > most:
            raise Conflict(whole_copies.too_large(name, most))
        try:
            copy = await BYTES.run(whole_copies.copied, name, file.path, self._folder.attempts)
        except FileNotFoundError:
            return Opened()
        return Opened(copy, file.size)

    async def stored(self, wanted: Mapping[str, CurrentFile]) -> dict[str, StoredFile]:
        """Copies in the object store.

        Raises Conflict, also where a machine does not answer, and UserErrorException for what cannot be read.
        """
        here = {name: file.here for name, file in wanted.items() if file.here is not None}
        done = await BYTES.run(live_files.stored, self._objects.files, here) if here else {}
        there: dict[FarAttempt, list[str]] = defaultdict(list)
        for name, file in wanted.items():
            if file.there is not None:
                there[file.there].append(name)
        for attempt, names in there.items():
            try:
                done |= await self._far.sent(attempt, names, _SENDING_MANY)
            except Unanswered as error:
                raise Conflict(
                    f"{names[0]!a} cannot be had now: {error}. Ask again, or when the run has ended."
                ) from None
        return done

    async def _places(self, run_id: str) -> _Places:
        return await self._database.read(lambda read: self._places_of(read, run_id))

    def _places_of(self, read: Read, run_id: str) -> _Places:
        """Of the ranks whose files are not kept yet; none of a run that has ended."""
        run = store.get(read, run_id)
        if run is None or run.status.is_terminal():
            return _Places()
        base = self._folder.attempts / run_id / str(run.attempt)
        ranks = attempt_store.ranks(read, run_id, run.attempt)
        opened = [each for each in ranks if each.state is not AttemptState.CLOSED]
        here = [AttemptFolder(base / str(each.rank)) for each in opened if each.machine is None]
        far = [each for each in opened if each.machine is not None and each.state is not AttemptState.GIVEN]
        asked = [each for each in far if each.state is AttemptState.STARTED]
        untold = []
        if coming := [each for each in far if each.state is AttemptState.ENDED]:
            untold.append(f"what its script left is on its way from {_named(read, coming[0])!r}")
        if len(asked) > _MOST_MACHINES:
            untold.append(f"no more than {_MOST_MACHINES} of its machines are asked")
        there = [
            FarAttempt(AttemptKey(run_id, each.attempt, each.rank), each.node, _named(read, each))
            for each in asked[:_MOST_MACHINES]
        ]
        return _Places(here, there, tuple(untold))


def _named(read: Read, attempt: Attempt) -> str:
    machine = machines.get(read, attempt.machine or "")
    return machine.name if machine is not None else "a machine that was removed"


def _sentence(untold: Sequence[str]) -> str:
    return f"Not all files are known now: {'; '.join(dict.fromkeys(untold))}." if untold else ""
