"""The server's side of sampling that learns: its process is there while a sweep needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from faena.kernel.errors import ServiceException, UserErrorException, from_wire
from faena.sweeps.learning import messages
from faena.sweeps.learning.extras import why_not
from faena.sweeps.learning.messages import (
    Draw,
    Drawn,
    Exhausted,
    Forget,
    Prepare,
    Refused,
    Task,
    TellAll,
    Told,
)
from faena.sweeps.learning.process import COMMAND, Died, SamplerProcess

_TRIES = 2
_TRIES_KILLED = 5
"""Of a process that somebody kills, by hand or for memory, which says nothing of the draw."""
Changes = Callable[[int], Awaitable[tuple[Sequence[Told], int]]]
"""The trials of a sweep that changed since a revision, all for 0, and the revision now. It grows with each change."""


class Sampler:
    """One for a server. Draws come one after another; only the event loop's thread may call it.

    `idle`: seconds until the process leaves after the last sweep was released. `patience`: the same after the last
    draw where sweeps are still open. `limit`: what a draw may take.
    """

    def __init__(
        self,
        log: Path,
        *,
        idle: float = 10,
        patience: float = 600,
        limit: float = 120,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._log = log
        self._idle = idle
        self._patience = patience
        self._limit = limit
        self._command = command
        self._turn = asyncio.Lock()
        self._process: SamplerProcess | None = None
        self._told: dict[str, tuple[Task, int]] = {}
        self._open: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._preparing: asyncio.Task[None] | None = None
        self._is_closed = False

    def prepare(self, task: Task) -> None:
        """Start the process, which takes a while to load, since that sweep is going to draw.

        What is missing, or cannot be started, is for the first draw to say.
        """
        if why_not(task.sampling):
            return
        self._open.add(task.sweep)
        if self._preparing is None or self._preparing.done():
            self._preparing = asyncio.get_running_loop().create_task(self._prepare(task))

    async def _prepare(self, task: Task) -> None:
        async with self._turn:
            self._leave_after(None)
            with suppress(ServiceException):
                (await self._running()).say(messages.frame(Prepare(task)))
            self._leave_after(self._patience if self._open else self._idle)

    async def draw(self, task: Task, number: int, changes: Changes) -> Drawn | Exhausted:
        """Where trial `number` lies. Changes nothing but what the process knows, so it may be asked for again.

        Raises UserErrorException where the space or its constraints leave nothing to draw, or where a package is
        missing, ServiceException where the process died again and again or took too long, and what `changes` raises.
        """
        if task.sweep not in self._open and (missing := why_not(task.sampling)):
            raise UserErrorException(missing)
        self._open.add(task.sweep)
        async with self._turn:
            self._leave_after(None)
            try:
                answer = await self._drawn(task, number, changes)
            finally:
                self._leave_after(self._patience if self._open else self._idle)
        if isinstance(answer, Refused):
            raise from_wire(answer.code, answer.message)
        return answer

    def release(self, sweep: str) -> None:
        """No more draws for that one: it has ended, or is paused."""
        self._open.discard(sweep)
        if self._told.pop(sweep, None) and self._process:
            self._process.say(messages.frame(Forget(sweep)))
        if not self._open and not self._turn.locked():
            self._leave_after(self._idle)

    async def close(self) -> None:
        """Ends a draw that is under way, too."""
        self._is_closed = True
        self._leave_after(None)
        await self._end()
        for task in (self._preparing, self._leaving):
            if task is not None:
                await task

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return self._process.pid if self._process else None

    async def _drawn(self, task: Task, number: int, changes: Changes) -> Drawn | Exhausted | Refused:
        tries = 0
        while True:
            tries += 1
            try:
                return await self._asked(task, number, changes)
            except Died as died:
                await self._end()
                if tries >= (_TRIES_KILLED if died.by_signal else _TRIES):
                    raise ServiceException(
                        f"Trial {number} could not be drawn: the sampler's process {died}, the last of {tries} tries. "
                        f"Its log: {self._log}"
                    ) from None

    async def _asked(self, task: Task, number: int, changes: Changes) -> Drawn | Exhausted | Refused:
        """Raises Died."""
        process = await self._running()
        known, base = self._told.get(task.sweep, (task, 0))
        bases = [0] if known != task or base == 0 else [base, 0]
        for base in bases:
            trials, revision = await changes(base)
            answer = await self._answer(process, task, base, revision, trials, number)
            if not isinstance(answer, TellAll):
                self._told[task.sweep] = task, revision
                return answer
        raise Died("does not take in what it is told")

    async def _answer(
        self,
        process: SamplerProcess,
        task: Task,
        base: int,
        revision: int,
        trials: Sequence[Told],
        number: int,
    ) -> messages.Answer:
        """Where it is left without an answer, the process ends: a late one would be taken for the next draw's."""

        def frames() -> Iterator[bytes]:
            yield from messages.telling(task, base, revision, trials)
            yield messages.frame(Draw(task.sweep, revision, number))

        try:
            async with asyncio.timeout(self._limit):
                return await process.ask(frames())
        except TimeoutError:
            await self._end()
            raise ServiceException(
                f"Drawing trial {number} took longer than {self._limit:g} s and was given up. Choose a sampling that "
                'takes less: the model "tpe", or random sampling.'
            ) from None
        except asyncio.CancelledError:
            await self._end()
            raise

    async def _running(self) -> SamplerProcess:
        self._check_open()
        if self._process is not None and not self._process.has_ended:
            return self._process
        await self._end()
        try:
            self._process = await SamplerProcess.start(self._command, self._log)
        except OSError as error:
            raise ServiceException(f"The process that draws trials could not be started: {error}") from error
        if self._is_closed:  # meanwhile
            await self._end()
        self._check_open()
        return self._process

    def _check_open(self) -> None:
        if self._is_closed:
            raise ServiceException("No trial is drawn any more: the server is leaving.")

    async def _end(self) -> None:
        process, self._process = self._process, None
        self._told.clear()
        if process is not None:
            await process.end()

    def _leave_after(self, seconds: float | None) -> None:
        """None: not before it is said again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None and self._process is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._leave)

    def _leave(self) -> None:
        async def leave() -> None:
            async with self._turn:
                if self._timer is timer:  # nobody has drawn meanwhile
                    await self._end()

        timer = self._timer
        self._leaving = asyncio.get_running_loop().create_task(leave())
