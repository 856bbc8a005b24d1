"""What answers at an endpoint's port: who may ask, which route it is, what is counted."""

from __future__ import annotations

import logging
from collections.abc import Callable

from faena.scoring.authentication import Keys
from faena.scoring.cors import Cors
from faena.scoring.desired import Endpoint
from faena.scoring.endpoint import Revisions
from faena.scoring.exchange import Answer, Reply, Request
from faena.scoring.history import History
from faena.scoring.http.responses import refusal
from faena.scoring.keeping import Keeping
from faena.scoring.metrics import Metrics
from faena.scoring.request_ids import RequestIds
from faena.scoring.routes import Route, Routes, in_words_of

_log = logging.getLogger(__name__)
_UNKNOWN = "unknown"
"""The route of requests for paths that are none."""
_LOST = frozenset({502, 504})
_TOLD, _TELLING_SECONDS = 100, 60.0
"""Lost requests that are named in the log, in so many seconds."""
_INTERNAL = refusal(500, "The endpoint could not answer the request. Its log tells why.")
_ENCODED = refusal(415, "The body has a Content-Encoding. Send it as it is.")


class Front:
    """The application of a listener."""

    def __init__(
        self,
        endpoint: Endpoint,
        revisions: Revisions,
        metrics: Metrics,
        gauges: Callable[[], tuple[int, int]],
        history: History,
    ) -> None:
        """`gauges`: how many connections there are, and how many clients left early."""
        self._metrics = metrics
        self._ids = RequestIds()
        self.keeping: Keeping | None = None
        self._told = 0
        self._telling_since = 0.0
        self._routes = Routes(endpoint, revisions, metrics, gauges, history)
        self.configure(endpoint)

    def configure(self, endpoint: Endpoint) -> None:
        """From the next request on."""
        self._keys = Keys(endpoint.keys)
        self._cors = Cors(endpoint.cors_origins) if endpoint.cors_origins else None
        self._routes.endpoint = endpoint

    # What connections call

    def admit(self, request: Request) -> Answer | None:
        refused = self._refusal(request)
        return None if refused is None else self.worded(request, refused)

    def worded(self, request: Request, answer: Answer) -> Answer:
        return in_words_of(request.path, answer)

    def _refusal(self, request: Request) -> Answer | None:
        found = request.fields
        refused = self._ids.give(request, found)
        route = self._routes.find(request.path)
        request.route = _UNKNOWN if route is None else route.name
        if self._cors is not None:
            request.lines += self._cors.lines(found)
            allowed = b"" if route is None else route.allowed
            if (preflight := self._cors.preflight(request.method, found, allowed)) is not None:
                return preflight
        refused = refused or self._keys.refuse(found.get(b"authorization"))
        if refused is not None:
            return refused
        if route is None:
            return self._routes.unknown(request)
        if request.method not in route.methods:
            return _options(route) if request.method == "OPTIONS" else _wrong_method(request, route)
        if b"content-encoding" in found and found[b"content-encoding"].lower() != b"identity":
            return _ENCODED
        return None

    def handle(self, request: Request, reply: Reply) -> None:
        route = self._routes.find(request.path)
        assert route is not None
        try:
            route.answer(request, reply)
        except Exception:  # noqa: BLE001  a defect must not leave a client without an answer
            _log.exception("request %s could not be answered", request.request_id)
            reply(self.worded(request, _INTERNAL))

    def answered(self, request: Request, answer: Answer, now: float) -> bytes:
        self._metrics.answered(request, answer, now)
        if self.keeping is not None:
            self.keeping.answered(request, answer, now)
        if answer.status in _LOST:
            self._tell(request, answer, now)
        return request.lines

    def refused(self, answer: Answer) -> None:
        self._metrics.refused(answer)

    def _tell(self, request: Request, answer: Answer, now: float) -> None:
        """Which request it was; its worker could not write that down."""
        if now - self._telling_since >= _TELLING_SECONDS:
            self._telling_since, self._told = now, 0
        self._told += 1
        if self._told <= _TOLD:
            said = ascii(answer.body[:400].decode("utf-8", "replace"))[1:-1]  # a script may have sent it
            _log.warning("request %s: %d %s", request.request_id, answer.status, said)


def _options(route: Route) -> Answer:
    return Answer(200, b"", b"", headers=((b"allow", route.allowed),))


def _wrong_method(request: Request, route: Route) -> Answer:
    return refusal(
        405,
        f"{request.path[:200]} takes {route.allowed.decode()}, not {request.method}.",
        ((b"allow", route.allowed),),
    )
