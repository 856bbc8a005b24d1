"""The sampler's process as the server holds it: started, asked, ended, and how it died where it did."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from faena.kernel.discovery import child_environment
from faena.sweeps.learning import messages
from faena.sweeps.learning.messages import Answer

COMMAND = (sys.executable, "-P", "-m", "faena.sweeps.sample")
_LOG_LIMIT = 1 << 20
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Trials run beside it; and sums of more threads come out otherwise."""


class Died(Exception):
    """It is gone, or said what it should not. The message continues "the sampler's process …"."""

    def __init__(self, how: str, *, by_signal: bool = False) -> None:
        super().__init__(how)
        self.by_signal = by_signal


class SamplerProcess:
    def __init__(self, process: asyncio.subprocess.Process, log: Path, log_began: int) -> None:
        self._process = process
        self._log = log
        self._log_began = log_began

    @classmethod
    async def start(cls, command: Sequence[str], log: Path) -> SamplerProcess:
        """Raises OSError."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            if file.tell() > _LOG_LIMIT:
                file.truncate(0)
            began = file.seek(0, 2)
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=file,
                start_new_session=True,
                cwd="/",
                env=child_environment() | _ONE_THREAD,
            )
        return cls(process, log, began)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None

    async def ask(self, frames: Iterable[bytes]) -> Answer:
        """What it says to all of them together. Raises Died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            for frame in frames:
                self._process.stdin.write(frame)
                await self._process.stdin.drain()
            size = messages.length(await self._process.stdout.readexactly(messages.LENGTH))
            return messages.answer(await self._process.stdout.readexactly(size))
        except (OSError, EOFError, ValueError) as error:
            raise await self._death(error) from None

    def say(self, frame: bytes) -> None:
        """What has no answer; where it is gone, it need not know."""
        if self._process.stdin is not None and not self.has_ended:
            self._process.stdin.write(frame)

    async def end(self) -> None:
        """It has nothing to lose."""
        if not self.has_ended:
            self._process.kill()
        await self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def _death(self, error: Exception) -> Died:
        """Ends what may still be there of it."""
        try:
            status = await asyncio.wait_for(self._process.wait(), 1)
        except TimeoutError:
            await self.end()
            return Died(f"said something that makes no sense ({error})")
        how = f"was killed by {_signal(-status)}" if status < 0 else f"ended with status {status}"
        said = self._log.read_bytes()[self._log_began :][-4096:].decode(errors="replace").strip().splitlines()
        return Died(f"{how} ({said[-1]})" if said else how, by_signal=status < 0)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
