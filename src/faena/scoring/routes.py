"""The paths of an endpoint: those of v1, of MLflow, of Open Inference Protocol, and what describes or counts them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import msgspec

from faena import __version__
from faena.scoring import descriptions, prometheus
from faena.scoring.desired import Endpoint
from faena.scoring.endpoint import Live, Revisions
from faena.scoring.exchange import Answer, Reply, Request
from faena.scoring.history import History
from faena.scoring.http.responses import refusal
from faena.scoring.metrics import Metrics
from faena.scoring.status import State

_TEXT = b"text/plain; charset=utf-8"
_MODEL = re.compile(r"/v2/models/([^/]{1,255})(?:/versions/([^/]{1,32}))?(/ready|/infer)?")
_FIRST_REFUSAL = 400
_LONGEST_PATH = 400
_NOT_READY = ((b"retry-after", b"1"),)


class Route:
    """`name`: under which it is counted."""

    __slots__ = ("allowed", "answer", "methods", "name")

    def __init__(self, name: str, methods: str, answer: Callable[[Request, Reply], None]) -> None:
        self.name = name
        self.methods = frozenset(methods.split())
        self.allowed = ", ".join([*methods.split(), "OPTIONS"]).encode()
        self.answer = answer


class Routes:
    def __init__(
        self,
        endpoint: Endpoint,
        revisions: Revisions,
        metrics: Metrics,
        gauges: Callable[[], tuple[int, int]],
        history: History,
    ) -> None:
        self._history = history
        self.endpoint = endpoint
        self._revisions = revisions
        self._metrics = metrics
        self._gauges = gauges
        looks = "GET HEAD"
        made = [
            Route("/score", "GET POST", partial(self._submit, kind="score")),
            Route("/invocations", "POST", partial(self._submit, kind="invocations")),
            Route("/", looks, self._healthy),
            Route("/ping", looks, self._ping),
            Route("/health", looks, self._ping),
            Route("/version", looks, self._version),
            Route("/swagger.json", looks, self._swagger),
            Route("/openapi.json", looks, self._openapi),
            Route("/metrics", looks, self._measure),
            Route("/metrics/recent", looks, self._recent),
            Route("/v2", looks, self._server),
            Route("/v2/health/live", looks, self._live),
            Route("/v2/health/ready", looks, self._ready),
        ]
        self._exact = {route.name: route for route in made}
        self._of_models = {
            None: Route("/v2/models", looks, self._model),
            "/ready": Route("/v2/models/ready", looks, self._model_ready),
            "/infer": Route("/v2/models/infer", "POST", self._infer),
        }

    def find(self, path: str) -> Route | None:
        found = self._exact.get(path)
        if found is not None or not path.startswith("/v2/models/") or len(path) > _LONGEST_PATH:
            return found
        named = _matched(path)
        return None if named is None else self._of_models[named[3]]

    def unknown(self, request: Request) -> Answer:
        return refusal(
            404,
            f"There is no {request.path[:200]}. This endpoint has {', '.join(sorted(self._exact))} and "
            "/v2/models/NAME[/versions/VERSION][/ready|/infer].",
        )

    # Scoring

    def _submit(self, request: Request, reply: Reply, kind: str) -> None:
        self._revisions.submit(request, kind, reply)

    def _infer(self, request: Request, reply: Reply) -> None:
        reply = _in_words_of_oip(reply)
        if not self._revisions.serving and "/versions/" not in request.path:
            self._revisions.submit(request, "v2-infer", reply)  # which waits for the start, as others do
            return
        number = self._revision_of(request)
        if isinstance(number, Answer):
            reply(number)
        elif number is None:
            self._revisions.submit(request, "v2-infer", reply)
        else:
            self._revisions.submit_to(number, request, "v2-infer", reply)

    # Health

    @property
    def _is_ready(self) -> bool:
        return self._revisions.state()[0] is State.HEALTHY

    def _not_ready(self) -> Answer:
        state, failure = self._revisions.state()
        why = "" if failure is None else f": {failure.message}"
        return refusal(503, f"The endpoint {self.endpoint.name} is {state}{why}", _NOT_READY)

    def _healthy(self, request: Request, reply: Reply) -> None:
        reply(Answer(200, b"Healthy", _TEXT) if self._is_ready else self._not_ready())

    def _ping(self, request: Request, reply: Reply) -> None:
        reply(Answer(200, b"\n", _TEXT) if self._is_ready else self._not_ready())

    def _version(self, request: Request, reply: Reply) -> None:
        reply(Answer(200, __version__.encode(), _TEXT))

    def _live(self, request: Request, reply: Reply) -> None:
        reply(_json({"live": True}))

    def _ready(self, request: Request, reply: Reply) -> None:
        ready = self._is_ready
        reply(_json({"ready": ready}, 200 if ready else 503))

    # Descriptions

    def _swagger(self, request: Request, reply: Reply) -> None:
        if request.query == b"version=3":
            self._openapi(request, reply)
            return
        described = self.endpoint.swagger or descriptions.swagger(self.endpoint, self._description())
        reply(_json(described))

    def _openapi(self, request: Request, reply: Reply) -> None:
        reply(_json(descriptions.openapi(self.endpoint, self._description())))

    def _server(self, request: Request, reply: Reply) -> None:
        reply(_json({"name": "faena", "version": __version__, "extensions": ["binary_tensor_data"]}))

    def _model(self, request: Request, reply: Reply) -> None:
        number = self._revision_of(request)
        if isinstance(number, Answer):
            reply(number)
            return
        named = _named(request)
        versions = sorted(
            {version for live in self._serving for name, version in live.revision.models if name == named}
        )
        tensors = self._description(number).get("tensors") or {}
        reply(
            _json(
                {
                    "name": named,
                    "versions": versions,
                    "platform": "faena",
                    "inputs": tensors.get("inputs", []),
                    "outputs": tensors.get("outputs", []),
                }
            )
        )

    def _model_ready(self, request: Request, reply: Reply) -> None:
        number = self._revision_of(request)
        if isinstance(number, Answer):
            reply(number)
            return
        ready = self._is_ready
        reply(_json({"name": _named(request), "ready": ready}, 200 if ready else 503))

    def _measure(self, request: Request, reply: Reply) -> None:
        scorers = self._revisions.scorers()
        body = prometheus.rendered(
            self._metrics,
            self._revisions.statuses(),
            {name: scorer.waiting for name, scorer in scorers.items()},
            {name: scorer.batches for name, scorer in scorers.items()},
            *self._gauges(),
        )
        reply(Answer(200, body, prometheus.CONTENT_TYPE))

    def _recent(self, request: Request, reply: Reply) -> None:
        reply(Answer(200, self._history.rendered()))

    # Which model is meant

    @property
    def _serving(self) -> list[Live]:
        return list(self._revisions.serving.values())

    def _description(self, number: int | None = None) -> dict[str, Any]:
        """What the script of the newest revision that serves, or of that one, says of itself."""
        serving = self._revisions.serving
        live = serving.get(max(serving) if number is None else number) if serving else None
        return {} if live is None else live.scorer.description

    def _revision_of(self, request: Request) -> int | Answer | None:
        """The revision whose model a path names; None where any may answer; an answer where none has it."""
        found = _matched(request.path)
        assert found is not None
        name, version = found[1], found[2]
        serving = self._revisions.serving
        if not serving:
            return self._not_ready_oip()
        if version is None:
            known = {name for live in self._serving for name, _ in live.revision.models} | {
                self.endpoint.name
            }
            return None if name in known else _no_model(name, sorted(known))
        for number, live in sorted(serving.items(), reverse=True):
            if (name, version) in live.revision.models or (name, version) == (
                self.endpoint.name,
                str(number),
            ):
                return number
        versions = [f"{name} {version}" for live in self._serving for name, version in live.revision.models]
        return _no_model(f"{name} {version}", versions)

    def _not_ready_oip(self) -> Answer:
        return _of_oip(self._not_ready())


def _in_words_of_oip(reply: Reply) -> Reply:
    def told(answer: Answer) -> None:
        reply(answer if answer.status < _FIRST_REFUSAL else _of_oip(answer))

    return told


def in_words_of(path: str, answer: Answer) -> Answer:
    """A refusal as the protocol has it that the path belongs to."""
    is_oip = path == "/v2" or path.startswith("/v2/")
    return _of_oip(answer) if is_oip and answer.status >= _FIRST_REFUSAL else answer


def _of_oip(answer: Answer) -> Answer:
    """A refusal whose text stands under `error`, where clients of the protocol look for it."""
    if answer.content_type.startswith(b"text/plain"):
        return _json({"error": answer.body.decode("utf-8", "replace")}, answer.status, answer.headers)
    try:
        said = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return answer
    if not isinstance(said, dict) or "message" not in said or "error" in said:
        return answer
    return _json({"error": said["message"]}, answer.status, answer.headers)


def _json(value: object, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    return Answer(status, msgspec.json.encode(value), headers=headers)


@lru_cache(maxsize=256)
def _matched(path: str) -> re.Match[str] | None:
    return _MODEL.fullmatch(path)


def _named(request: Request) -> str:
    found = _matched(request.path)
    assert found is not None
    return found[1]


def _no_model(asked: str, known: list[str]) -> Answer:
    return _json({"error": f"There is no model {asked} here. There is {', '.join(known)}."}, 404)
