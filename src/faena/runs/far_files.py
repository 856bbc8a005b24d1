"""Files of a run that goes on where its script writes them on another machine, whose runner is asked for them.

It hears questions with the answers to what it brings anyway, lists names, and sends bytes by their digests.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct, field

from faena.attempts.key import AttemptKey
from faena.compute.leases import Leases
from faena.kernel.errors import Conflict
from faena.kernel.notifications import Notifications
from faena.kernel.plural import counted
from faena.kernel.questions import Questions, TooMany
from faena.tracking.model import StoredFile

T = TypeVar("T")

_NAMES = 5.0
"""Seconds in which a machine lists names."""
_SOON = 0.15
"""Seconds that a page waits for them."""
_REMEMBERED = 256
"""Attempts of which it is known what they had when they were last asked."""


class FileQuestion(Struct, frozen=True):
    """What the runner of an attempt is asked about files of its script."""

    id: str
    what: Literal["names", "files"]
    names: tuple[str, ...] = ()
    """`files`: which are to be sent."""
    most: int = 0
    """Bytes of a file that is sent at all; 0: as many as the runner sends."""


class _Names(Struct, frozen=True):
    files: list[tuple[str, int]]
    left_out: int = 0


class FileNames(Struct, frozen=True):
    """Of one attempt. `untold`: why there may be others now; empty: these are all."""

    sizes: dict[str, int]
    untold: str = ""


class _Sent(Struct, frozen=True):
    files: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Digest and size, by name; what is not there any more is not in it."""
    error: str = ""
    """Why one could not be sent."""


class FarAttempt(Struct, frozen=True):
    """One whose script runs on another machine."""

    key: AttemptKey
    node: str
    machine: str
    """Its name."""


class Unanswered(Exception):
    """What a machine has is not known now; the text says why."""


def topic(attempt: str) -> str:
    """Of what the runner of an attempt is asked, which goes by its name."""
    return f"files:{attempt}"


class FarFiles:
    """Of one server, on its event loop."""

    def __init__(self, notifications: Notifications, leases: Leases) -> None:
        self._leases = leases
        self._questions = Questions[FileQuestion](lambda attempt: notifications.notify({topic(attempt)}))
        self._asking: dict[AttemptKey, asyncio.Task[FileNames]] = {}
        self._remembered: OrderedDict[AttemptKey, tuple[float, FileNames]] = OrderedDict()

    async def names(self, of: FarAttempt) -> FileNames:
        """As they are now."""
        try:
            found = _decoded(await self._ask(of, "names", (), _NAMES), _Names, of)
        except Unanswered as error:
            return FileNames({}, str(error))
        left_out = (
            f"{counted(found.left_out, 'file')} on {of.machine!r} are too many" if found.left_out else ""
        )
        told = FileNames(dict(found.files), left_out)
        self._remembered[of.key] = time.monotonic(), told
        self._remembered.move_to_end(of.key)
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return told

    async def names_soon(self, of: FarAttempt) -> FileNames:
        """As they are now, or, where the machine needs longer than somebody who opens a page wants to wait, as they
        were when it answered last. All who wait wait for one answer, which is there for who looks later.
        """
        asking = self._asking.get(of.key)
        if asking is None:
            asking = self._asking[of.key] = asyncio.create_task(self.names(of))
            asking.add_done_callback(lambda _: self._asking.pop(of.key))
        if (await asyncio.wait({asking}, timeout=_SOON))[0]:
            return asking.result()
        late = f"the machine {of.machine!r}, where its script runs, has not answered yet"
        if of.key not in self._remembered:
            return FileNames({}, late)
        at, told = self._remembered[of.key]
        return FileNames(told.sizes, f"{late}; this is what it had {time.monotonic() - at:.0f} s ago")

    async def sent(
        self, of: FarAttempt, names: Sequence[str], seconds: float, most: int = 0
    ) -> dict[str, StoredFile]:
        """Those of these files that are there, as objects which stay for an hour at least.

        Raises Unanswered, and Conflict for what cannot be sent now.
        """
        told = _decoded(await self._ask(of, "files", tuple(names), seconds, most), _Sent, of)
        if told.error:
            raise Conflict(told.error)
        return {name: StoredFile(*found) for name, found in told.files.items()}

    async def _ask(
        self,
        of: FarAttempt,
        what: Literal["names", "files"],
        names: tuple[str, ...],
        seconds: float,
        most: int = 0,
    ) -> bytes:
        if not self._leases.is_known(of.node) or of.node in self._leases.quiet():
            raise Unanswered(f"nothing is heard of the machine {of.machine!r}, where its script runs")
        try:
            return await self._questions.ask(
                of.key.name, lambda named: FileQuestion(named, what, names, most), seconds
            )
        except TooMany:
            raise Unanswered(f"too much is asked of the machine {of.machine!r} at this moment") from None
        except TimeoutError:
            still = ", which may still be on its way" if names else ""
            raise Unanswered(
                f"the machine {of.machine!r}, where its script runs, did not answer within {seconds:g} s{still}"
            ) from None

    # The runner's side

    def take(self, attempt: str) -> tuple[FileQuestion, ...]:
        """What the runner of an attempt, by name, is asked, which it is not told again."""
        return self._questions.take(attempt)

    def answer(self, attempt: str, question: str, answer: bytes) -> None:
        self._questions.answer(attempt, question, answer)


def _decoded(answer: bytes, kind: type[T], of: FarAttempt) -> T:
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.MsgspecError as error:
        raise Unanswered(f"the machine {of.machine!r} answered what cannot be read ({error})") from None
