"""MLflow's protocol as an ASGI application: finds the route, reads the request, says errors in MLflow's words."""

from __future__ import annotations

import logging
import re
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote

import msgspec
from litestar import Request
from litestar.response import Stream
from litestar.types import HTTPScope, Receive, Send
from msgspec import Struct

from faena.kernel.errors import DatabaseDamaged, FaenaError
from faena.mlflow import bodies, fields, finding, in_runs, persons, registry_files, rights
from faena.mlflow.artifacts import answers
from faena.mlflow.artifacts.whole_files import WholeFile
from faena.mlflow.errors import NO_ENDPOINT, MlflowError, of_ours
from faena.mlflow.graphql import answers as graphql
from faena.mlflow.routes import Route
from faena.mlflow.run_tokens import OF_A_RUN, RunOfToken
from faena.mlflow.server_info import VERSION
from faena.mlflow.services import Services
from faena.mlflow.tracing import span_files, spans
from faena.mlflow.tracing.spans import Sent
from faena.people.callers import caller_of

_UPLOAD = "/2.0/mlflow/upload-artifact"
"""Of MLflow's own page; its clients send to an artifact's address."""
_ARTIFACTS = "/2.0/mlflow-artifacts/artifacts"
_IN_PARTS = {"/2.0/mlflow-artifacts/mpu/": "upload", "/2.0/mlflow-artifacts/presigned/": "download"}
"""What clients try first where they are told to, and do without where the answer is this."""
_API = ("api", "ajax-api")
_PLAIN = {"health": b"OK", "version": VERSION}
_TRACE_FILES = ("/2.0/mlflow/get-trace-artifact", "/3.0/mlflow/get-trace-artifact")
_MODEL_FILE = re.compile(r"/2\.0/mlflow/logged-models/([^/]+)/artifacts/files")
_log = logging.getLogger(__name__)
_Asked = TypeVar("_Asked", bound=Struct)


class MlflowApplication:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        try:
            answer = await self._answer(scope, request)
        except MlflowError as error:
            await say_error(send, error)
        except DatabaseDamaged:
            raise
        except FaenaError as error:
            await say_error(send, of_ours(error))
        except (UnicodeError, OverflowError) as error:
            await say_error(send, MlflowError(f"What was sent cannot be kept: {error}."))
        except Exception as error:  # noqa: BLE001  a defect of ours is told in MLflow's words, too
            _log.exception("%s %s failed", scope["method"], scope["path"])
            await say_error(
                send, MlflowError(f"The server failed: {type(error).__name__}.", "INTERNAL_ERROR")
            )
        else:
            if isinstance(answer, Stream):
                await answer.to_asgi_response(None, request)(scope, receive, send)
            elif isinstance(answer, WholeFile):
                await answer.send(send)
            elif isinstance(answer, Sent):
                await _respond(send, 200, answer.body, answer.kind.encode())
            elif isinstance(answer, bytes):
                await _respond(send, 200, answer, b"text/plain")
            else:
                body = msgspec.json.encode({} if answer is None else answer)
                await _respond(send, 200, body, b"application/json")

    async def _answer(self, scope: HTTPScope, request: Request[Any, Any, Any]) -> Any:
        """What is sent as JSON, bytes that are text, or a file."""
        raw = scope.get("raw_path") or str(scope["path"]).encode()
        path = raw.partition(b"?")[0].decode("ascii", "replace")
        first, _, rest = path.lstrip("/").partition("/")
        scope["path_template"] = f"/{first}/…" if rest else f"/{first}"  # for who counts requests
        if first in _PLAIN:
            return _PLAIN[first]
        below = f"/{rest}"
        rights.check(request, below if first in _API else f"/{first}{below}")
        await self._services.begin()
        if first == "get-artifact" and scope["method"] == "GET":
            return await answers.send_of_run(
                self._services, await self._of_query(answers.OfRun, scope), request
            )
        if (scope["method"], path) == ("GET", "/model-versions/get-artifact"):
            of_version = fields.of_query(registry_files.File, scope["query_string"])
            if (of_run := scope["state"].get(OF_A_RUN)) is not None:
                await in_runs.caller_of(self._services, of_run)  # every run's may, as long as it is good
            return await registry_files.send(self._services, of_version, request)
        if (scope["method"], path.rstrip("/")) == ("POST", "/v1/traces"):
            token: RunOfToken | None = scope["state"].get(OF_A_RUN)
            caller = None if token is None else await in_runs.caller_of(self._services, token)
            return await spans.take(self._services, request, caller)
        if (scope["method"], path.rstrip("/")) == ("POST", "/graphql"):
            body = await bodies.whole(request.receive, fields.MOST_BYTES)
            answered = partial(self._answered, scope["state"].get(OF_A_RUN))
            return await graphql.answer(body, _is_json(request), answered)
        if first not in _API:
            raise _unknown(scope)
        for start, what in _IN_PARTS.items():
            if below.startswith(start):
                raise MlflowError(
                    f"Multipart {what} is not supported for the current artifact repository",
                    "NOT_IMPLEMENTED",
                )
        if below.startswith(_ARTIFACTS):
            return await self._artifacts(below[len(_ARTIFACTS) :].lstrip("/"), scope, request)
        if below == _UPLOAD and scope["method"] == "POST":
            return await answers.upload(
                self._services, await self._of_query(answers.OfRun, scope), request.receive
            )
        if below in _TRACE_FILES and scope["method"] == "GET":
            of_trace = await self._of_query(span_files.Asked, scope)
            return await span_files.send(self._services, of_trace, request)
        if scope["method"] == "GET" and (of_model := _MODEL_FILE.fullmatch(below)):
            wanted = await self._file_of_model(of_model[1], scope)
            return await answers.send_of_model(self._services, wanted, request)
        return await self._routed(below, scope, request)

    async def _file_of_model(self, model_id: str, scope: HTTPScope) -> answers.OfModel:
        asked = fields.of_query(answers.OfModel, scope["query_string"])
        asked.model_id = unquote(model_id, errors="strict")
        if (token := scope["state"].get(OF_A_RUN)) is not None:
            await in_runs.check_named(self._services, token, asked)
        return asked

    async def _of_query(self, kind: type[_Asked], scope: HTTPScope) -> _Asked:
        """What is asked for, which the token of a run must have a right to."""
        asked = fields.of_query(kind, scope["query_string"])
        if (token := scope["state"].get(OF_A_RUN)) is not None:
            await in_runs.check_named(self._services, token, asked)
        return asked

    async def _routed(self, path: str, scope: HTTPScope, request: Request[Any, Any, Any]) -> Any:
        method = str(scope["method"])
        if (found := finding.find(method, path)) is None:
            raise _unknown(scope)
        route, parts = found
        scope["path_template"] = f"/api{route.path}"
        if method == "GET":
            asked = fields.of_query(route.request, scope["query_string"])
        else:
            body = await bodies.whole(request.receive, fields.MOST_BYTES)
            asked = fields.of_body(route.request, body, _is_json(request))
        for name, value in parts.items():
            setattr(asked, name, value)
        if (person := caller_of(request)) is not None:
            asked = persons.named(asked, person.person)
        return await self._answered(scope["state"].get(OF_A_RUN), route, asked)

    async def _answered(self, token: RunOfToken | None, route: Route, asked: Any) -> Any:
        if token is None:
            return await route.answer(self._services, asked)
        return await in_runs.answer(self._services, token, route.answer, route.in_run, asked)

    async def _artifacts(self, path: str, scope: HTTPScope, request: Request[Any, Any, Any]) -> Any:
        services, address = self._services, unquote(path, errors="strict")
        if is_listed := not path and scope["method"] == "GET":
            address = parse_qs(scope["query_string"].decode("ascii", "replace"), errors="strict").get(
                "path", [""]
            )[0]
        if (token := scope["state"].get(OF_A_RUN)) is not None:
            await in_runs.check_files(services, token, address)
        match scope["method"]:
            case "GET" if is_listed:
                return await answers.below(services, address)
            case "GET" if (
                in_place := await span_files.in_place_of_file(services, address, request)
            ) is not None:
                return in_place
            case "GET":
                return await answers.send(services, address, request)
            case "PUT":
                await answers.put(services, address, request)
                return None
            case "DELETE":
                await answers.remove(services, address)
                return None
        raise _unknown(scope)


def _unknown(scope: HTTPScope) -> MlflowError:
    return MlflowError(f"There is no {scope['method']} {scope['path'][:200]} here.", NO_ENDPOINT)


def _is_json(request: Request[Any, Any, Any]) -> bool:
    sent = [value for name, value in request.scope["headers"] if name == b"content-type"]
    return bool(sent) and sent[0].partition(b";")[0].strip().lower() == b"application/json"


async def say_error(send: Send, error: MlflowError) -> None:
    body = msgspec.json.encode({"error_code": error.code, "message": error.message})
    await _respond(send, error.status, body, b"application/json")


async def _respond(send: Send, status: int, body: bytes, kind: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
