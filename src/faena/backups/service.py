"""Use cases of backups on the server: one at a time, in the background, looked at while it goes on."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from faena.backups.destination import check_target
from faena.backups.schemas import BackupRequest, BackupView
from faena.backups.taking import Parts, Taking
from faena.kernel.errors import Conflict, DatabaseDamaged, FaenaError, NotFound
from faena.kernel.lanes import BYTES

COPYING, DONE, FAILED = "copying", "done", "failed"
_REMEMBERED = 20


class Backups:
    """`busy`: held while objects are copied, so that none is collected meanwhile."""

    def __init__(
        self, parts: Parts, busy: asyncio.Lock, found_damaged: Callable[[], None] = lambda: None
    ) -> None:
        """`found_damaged` is told where the database is."""
        self._parts = parts
        self._found_damaged = found_damaged
        self._busy = busy
        self._views: dict[str, BackupView] = {}
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = threading.Event()

    async def close(self) -> None:
        """End what goes on, before its next file; what it has copied is there for the next one."""
        self._stopped.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def is_busy(self) -> bool:
        """Whether a backup goes on: the server stays for it."""
        return any(view.state == COPYING for view in self._views.values())

    async def start(self, backup_id: str, asked: BackupRequest) -> BackupView:
        """Begin a backup; the same id again gives the same one.

        Raises UserErrorException for a folder that cannot hold it, Conflict while another backup goes on.
        """
        if known := self._views.get(backup_id):
            return known
        folder = Path(asked.folder)
        await BYTES.run(check_target, folder, self._parts.workspace)
        if known := self._views.get(backup_id):  # asked twice at once
            return known
        if going := next((view for view in self._views.values() if view.state == COPYING), None):
            raise Conflict(f"A backup into {going.folder} goes on. Try again when it is done.")
        view = self._views[backup_id] = BackupView(backup_id, str(folder), COPYING)
        task = asyncio.create_task(self._make(view, asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        for old in list(self._views)[:-_REMEMBERED]:
            del self._views[old]
        return view

    async def look(self, backup_id: str, wait: float) -> BackupView:
        """How far it is; where it goes on, after the next change or `wait` seconds. Raises NotFound."""
        seen = self._get(backup_id)
        if seen.state == COPYING:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait)
        return self._get(backup_id)

    def _get(self, backup_id: str) -> BackupView:
        if backup_id not in self._views:
            raise NotFound(
                f"There is no backup {backup_id[:80]!r}: the server was restarted. Run it again; it goes on from "
                "what is there."
            )
        return self._views[backup_id]

    async def _make(self, view: BackupView, asked: BackupRequest) -> None:
        loop = asyncio.get_running_loop()

        def tell(now: BackupView) -> None:
            loop.call_soon_threadsafe(self._tell, now)

        taking = Taking(self._parts, view, tell, asked, self._stopped)
        try:
            async with self._busy:
                await BYTES.run(taking.take)
            self._tell(_changed(taking.view, state=DONE))
        except FaenaError as error:
            if isinstance(error, DatabaseDamaged):
                self._found_damaged()
            self._tell(_changed(taking.view, state=FAILED, error=error.message))
        except Exception as error:
            self._tell(_changed(taking.view, state=FAILED, error=f"{type(error).__name__}: {error}"))
            raise

    def _tell(self, view: BackupView) -> None:
        self._views[view.id] = view
        self._changed.set()
        self._changed = asyncio.Event()


def _changed(view: BackupView, **changes: object) -> BackupView:
    return msgspec.structs.replace(view, **changes)
