"""MLflow's protocol as an ASGI application: finds the route, reads the request, says errors in MLflow's words."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec
from litestar import Request
from litestar.types import HTTPScope, Receive, Send

from faena.kernel.errors import DatabaseDamaged, FaenaError
from faena.mlflow import bodies, fields, finding, in_runs
from faena.mlflow.artifacts import answers
from faena.mlflow.errors import NO_ENDPOINT, MlflowError, of_ours
from faena.mlflow.run_tokens import OF_A_RUN, RunOfToken
from faena.mlflow.services import Services

VERSION = "3.17.2"
"""Of MLflow whose protocol is spoken: its clients choose by it how they send traces."""
_ARTIFACTS = "/2.0/mlflow-artifacts/artifacts"
_log = logging.getLogger(__name__)


class MlflowApplication:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        try:
            await self._answer(scope, request, send)
        except MlflowError as error:
            await _say_error(send, error)
        except DatabaseDamaged:
            raise
        except FaenaError as error:
            await _say_error(send, of_ours(error))
        except (UnicodeError, OverflowError) as error:
            await _say_error(send, MlflowError(f"What was sent cannot be kept: {error}."))
        except Exception as error:  # noqa: BLE001  a defect of ours is told in MLflow's words, too
            _log.exception("%s %s failed", scope["method"], scope["path"])
            await _say_error(
                send, MlflowError(f"The server failed: {type(error).__name__}.", "INTERNAL_ERROR")
            )

    async def _answer(self, scope: HTTPScope, request: Request[Any, Any, Any], send: Send) -> None:
        raw = scope.get("raw_path") or str(scope["path"]).encode()
        path = raw.partition(b"?")[0].decode("ascii", "replace")
        _, first, rest = path.split("/", 2) if path.count("/") > 1 else ("", path.strip("/"), "")
        method = str(scope["method"])
        if first == "health":
            await _respond(send, 200, b"OK", b"text/plain")
            return
        if first not in ("api", "ajax-api"):
            raise _unknown(method, path)
        await self._services.begin()
        below = f"/{rest}"
        if below.startswith(_ARTIFACTS):
            await self._artifacts(method, below[len(_ARTIFACTS) :].lstrip("/"), scope, request, send)
            return
        if (found := finding.find(method, below)) is None:
            raise _unknown(method, path)
        route, named = found
        if method == "GET":
            asked = fields.of_query(route.request, scope["query_string"])
        else:
            body = await bodies.whole(request.receive, fields.MOST_BYTES)
            asked = fields.of_body(route.request, body, _is_json(request))
        for name, value in named.items():
            setattr(asked, name, value)
        token: RunOfToken | None = scope["state"].get(OF_A_RUN)
        if token is None:
            given = await route.answer(self._services, asked)
        else:
            given = await in_runs.answer(self._services, token, route.answer, route.in_run, asked)
        await _respond_json(send, {} if given is None else given)

    async def _artifacts(
        self, method: str, path: str, scope: HTTPScope, request: Request[Any, Any, Any], send: Send
    ) -> None:
        services = self._services
        is_listed = not path and method == "GET"
        query = parse_qs(scope["query_string"].decode("ascii", "replace"))
        address = query.get("path", [""])[0] if is_listed else unquote(path)
        if (token := scope["state"].get(OF_A_RUN)) is not None:
            await in_runs.check_files(services, token, address)
        if is_listed:
            await _respond_json(send, await answers.below(services, address))
            return
        match method:
            case "PUT":
                await answers.put(services, address, request)
                await _respond_json(send, {})
            case "DELETE":
                await answers.remove(services, address)
                await _respond_json(send, {})
            case "GET":
                stream = await answers.send(services, address, request)
                response = stream.to_asgi_response(None, request)
                await response(scope, request.receive, send)
            case _:
                raise _unknown(method, path)


def _unknown(method: str, path: str) -> MlflowError:
    return MlflowError(f"There is no {method} {path[:200]} here.", NO_ENDPOINT)


def _is_json(request: Request[Any, Any, Any]) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


async def _respond_json(send: Send, given: Any) -> None:
    await _respond(send, 200, msgspec.json.encode(given), b"application/json")


async def _say_error(send: Send, error: MlflowError) -> None:
    body = msgspec.json.encode({"error_code": error.code, "message": error.message})
    await _respond(send, error.status, body, b"application/json")


async def _respond(send: Send, status: int, body: bytes, kind: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
