"""Follows a run for a view."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import msgspec
from msgspec.structs import replace

from faena.client.workspaces.session import Session
from faena.kernel.clock import SystemClock
from faena.kernel.errors import FaenaError, NotFound
from faena.kernel.file_names import log_precedence
from faena.kernel.transport import segment
from faena.notebook.views import run_view
from faena.notebook.views.blocks import LogTail, View
from faena.notebook.views.run_view import MOST_CHARTS, MOST_SYSTEM, PIXELS, KnownRun
from faena.notebook.views.tail import Tail
from faena.notebook.watching.connection import ANSWERING, PATIENCE, Connection
from faena.notebook.watching.pages import Page
from faena.runs.list_schemas import Curves
from faena.runs.schemas import LogEvent, PointsEvent, RunView, StatusEvent

_SYSTEM_EVERY = 5.0
"""Seconds between two looks at what the machine measured: it does so every few seconds."""
_CHECK = 4.0
"""Seconds that the end of a cell waits for an answer: a busy machine may take one."""


class RunWatch:
    def __init__(self, session: Session, run_id: str) -> None:
        self._api = session.quiet_api(PATIENCE, ANSWERING)
        self.run_id = run_id
        self._page = Page(session, self._api, "runs", run_id)
        self._connection = Connection()
        self._lock = threading.Lock()
        self._offsets: dict[str, tuple[int, int]] = {}
        self._run: RunView | None = None
        self._log, self._attempt = "", 1
        self._tail = Tail()
        self._new_points = True
        self._new_system = 0.0
        self._curves: Curves | None = None
        self._system: Curves | None = None
        self._known: KnownRun | None = None
        self._behind = True

    def follow(self, changed: Callable[[], None], stopped: Callable[[], bool]) -> None:
        def open_stream() -> Iterator[StatusEvent | LogEvent | PointsEvent | None]:
            return self._api.follow_all(self.run_id, self._offsets)

        def tell() -> None:
            self._behind = True
            changed()

        for event in self._connection.events(open_stream, tell, stopped):
            if event is None:
                continue
            self._take(event)
            tell()
            if isinstance(event, StatusEvent) and event.run.ended_at is not None:
                return

    def _take(self, event: StatusEvent | LogEvent | PointsEvent) -> None:
        with self._lock:
            if isinstance(event, StatusEvent):
                if self._run is None or self._run.version <= event.run.version:
                    self._run = event.run
            elif isinstance(event, PointsEvent):
                self._new_points = True
            elif (event.name, event.attempt) == (self._log, self._attempt):
                self._tail.feed(event.text)
            elif (
                event.name == self._log
                or not self._log
                or log_precedence(event.name) > log_precedence(self._log)
            ):
                self._log, self._attempt, self._tail = event.name, event.attempt, Tail()
                self._tail.feed(event.text)

    def look(self) -> View:
        return run_view.of_run(self._look_at_run())

    def _look_at_run(self) -> KnownRun:
        self._behind = False
        run = self._run or self._api.run(self.run_id)
        if self._new_points or run.ended_at is not None:
            self._new_points = False
            try:
                self._curves = self._api.charts(self.run_id, source="script", pixels=PIXELS, most=MOST_CHARTS)
            except FaenaError:
                self._new_points = True
                raise
        if time.monotonic() >= self._new_system or run.ended_at is not None:
            self._system = self._api.charts(
                self.run_id, source="system", pixels=PIXELS // 2, most=MOST_SYSTEM
            )
            self._new_system = time.monotonic() + _SYSTEM_EVERY
        with self._lock:
            log = LogTail("log", self._log, self._tail.text, self._tail.start) if self._log else None
        self._known = KnownRun(
            run,
            SystemClock().now(),
            log,
            self._curves,
            self._system,
            self._page.address(),
            self._page.below("do", "cancel"),
            self._connection.said(),
        )
        return self._known

    def is_behind(self) -> bool:
        return self._behind and not self._connection.said()

    def has_ended(self) -> bool:
        if self._run is not None and self._run.ended_at is not None:
            return True
        if self._connection.said():  # the end of a cell does not wait for a server that is away
            return False
        path = f"/runs/{segment(self.run_id)}"
        try:
            answer = self._api.transport.request("GET", path, timeout=_CHECK, patience=0.0)
        except NotFound:
            return True
        except FaenaError:
            return False
        found = msgspec.json.decode(answer.data, type=RunView)
        if found.ended_at is None:
            return False
        self._run = found  # whoever follows may hear of it later
        return True

    def trouble(self, said: str) -> View | None:
        if self._known is None:
            return None
        return run_view.of_run(replace(self._known, trouble=said, now=SystemClock().now()))
