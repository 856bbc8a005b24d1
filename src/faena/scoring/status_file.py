"""Keeps status.json true: written on a thread, the newest state of the moment, never two at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from faena.scoring import status
from faena.scoring.status import Status

_log = logging.getLogger(__name__)
_AGAIN_SECONDS = 1.0


class StatusFile:
    """`look` says how things are; it is called on the loop."""

    def __init__(self, folder: Path, look: Callable[[], Status]) -> None:
        self._folder = folder
        self._look = look
        self._changed = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._last: Status | None = None
        self._told = False

    def changed(self) -> None:
        self._changed.set()

    def start(self) -> None:
        self._changed.set()
        self._writing = asyncio.get_running_loop().create_task(self._write_on())

    async def stop(self) -> None:
        """What has changed by now is written first."""
        if self._writing is None:
            return
        self._writing.cancel()
        await asyncio.wait([self._writing])
        self._writing = None
        if self._changed.is_set():
            await self._write()

    async def _write_on(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            while not await self._write():
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _write(self) -> bool:
        found = self._look()
        if found == self._last:
            return True
        try:
            await asyncio.to_thread(status.write, self._folder, found)
        except OSError as error:
            if not self._told:
                _log.error("%s cannot be written: %s", self._folder / status.FILE, error)
            self._told = True
            return False
        self._last = found
        self._told = False
        return True
