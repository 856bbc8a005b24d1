"""Follows an endpoint for a view, until it is deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec
from msgspec.structs import replace

from faena.client.workspaces.session import Session
from faena.endpoints.chart_schemas import Curves
from faena.kernel.errors import FaenaError, NotFound
from faena.kernel.transport import segment
from faena.notebook.views import endpoint_view
from faena.notebook.views.blocks import View
from faena.notebook.views.endpoint_view import KnownEndpoint
from faena.notebook.watching.connection import ANSWERING, PATIENCE, Connection
from faena.notebook.watching.pages import Page

_EVERY = 2.0
"""Seconds between two standings of a front's counts."""
_LOG_LINES = 20
_LOG_EVERY = 5.0


class EndpointWatch:
    def __init__(self, session: Session, name: str) -> None:
        self._api = session.quiet_api(PATIENCE, ANSWERING)
        self._name = name
        self._page = Page(session, self._api, "endpoints", name)
        self._connection = Connection()
        self._version = -1
        self._known: KnownEndpoint | None = None
        self._log = ""
        self._log_at = 0.0

    def follow(self, changed: Callable[[], None], stopped: Callable[[], bool]) -> None:
        for _ in self._connection.events(self._changes, changed, stopped):
            changed()

    def _changes(self) -> Iterator[None]:
        """One when its state is another, and every two seconds, since rates are others then."""
        while True:
            found = self._api.endpoints.changed(self._name, self._version, _EVERY)
            self._version = found.version
            yield None

    def look(self) -> View:
        try:
            view = self._api.endpoints.get(self._name, activity=True)
        except NotFound:
            if self._known is None:
                raise
            self._known = replace(self._known, deleted=True, page="", trouble="")
            return endpoint_view.of_endpoint(self._known)
        path = f"/ui/endpoints/{segment(self._name)}/activity"
        answer = self._api.transport.request("GET", path).data
        activity = msgspec.json.decode(answer, type=Curves | None)
        if time.monotonic() >= self._log_at:
            self._log = self._api.endpoints.logs(self._name, _LOG_LINES)
            self._log_at = time.monotonic() + _LOG_EVERY
        self._known = KnownEndpoint(
            view, activity, _shown(self._log), self._page.address(), self._connection.said()
        )
        return endpoint_view.of_endpoint(self._known)

    def is_behind(self) -> bool:
        return False

    def has_ended(self) -> bool:
        if self._connection.said():
            return False
        try:
            self._api.transport.json("GET", f"/endpoints/{segment(self._name)}", timeout=1.0, patience=0.0)
        except NotFound:
            return True
        except FaenaError:
            return False
        return False

    def trouble(self, said: str) -> View | None:
        return None if self._known is None else endpoint_view.of_endpoint(replace(self._known, trouble=said))


def _shown(log: str) -> str:
    from faena.notebook.views.tail import Tail

    tail = Tail()
    tail.feed(log)
    return tail.text
