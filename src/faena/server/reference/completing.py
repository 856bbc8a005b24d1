"""Completes the framework's description of the API: what things mean, what each route needs, how it fails, examples."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.plugins import JsonRenderPlugin

from faena.kernel.rights import READ, Right, right_of
from faena.people.model import Role
from faena.server.errors import ErrorBody
from faena.server.reference.fields import of_type, types_in
from faena.server.reference.parameters import MEANINGS, OF_ROUTE

Json = dict[str, Any]
_ERROR = ErrorBody.__name__
_VERBS = ("get", "put", "post", "patch", "delete")
_JSON = "application/json"
_REST = "From the byte on that `Range` names, where `If-Range` still holds."
_FAILURES = {
    "400": "What was sent cannot be used; `message` says what is wrong and what to do.",
    "401": "At people's address: no token that is good came with it.",
    "403": "The role of the token has not this right.",
    "404": "There is no such thing.",
    "default": "Another failure, in the same form: `code` is the class of the error that Faena's client raises.",
}


class Example(msgspec.Struct, frozen=True):
    """A request that was sent to a server, and what it answered."""

    verb: str
    route: str
    path: str
    status: int
    body: Any = None
    answer: Any = None


class Described(JsonRenderPlugin):
    """`/schema/openapi.json`."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:
        return super().render(request, completed(openapi_schema, request.app))

    def receive_router(self, router: Router) -> None:
        """People may read it: the framework's own router states no right."""
        router.opt.update(READ)


@cache
def examples() -> dict[tuple[str, str], Example]:
    """By verb and route."""
    recorded = (Path(__file__).parent / "examples.json").read_bytes()
    return {(each.verb, each.route): each for each in msgspec.json.decode(recorded, type=list[Example])}


def described(app: Litestar) -> Json:
    """The description of all routes."""
    from litestar.serialization import encode_json

    made: Json = msgspec.json.decode(encode_json(app.openapi_schema.to_schema()))
    return completed(made, app)


def completed(schema: Json, app: Litestar) -> Json:
    """The description itself, which is changed. Doing it again changes nothing."""
    components = schema.setdefault("components", {}).setdefault("schemas", {})
    components[_ERROR] = {
        "type": "object",
        "title": _ERROR,
        "required": ["code", "message"],
        "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
    }
    handlers = _handlers(app)
    kinds = types_in(each for handler in handlers.values() for each in _annotations(handler))
    for name, component in components.items():
        if (kind := kinds.get(name)) is not None:
            _describe(component, kind)
    for path, verb, operation in operations(schema):
        if (handler := handlers.get((verb, path))) is not None:
            _complete(path, verb, operation, handler)
    return schema


def operations(schema: Json) -> Iterator[tuple[str, str, Json]]:
    """Path, verb in capitals, and what is said of it."""
    for path, found in schema["paths"].items():
        for verb in _VERBS:
            if verb in found:
                yield path, verb.upper(), found[verb]


def _handlers(app: Litestar) -> dict[tuple[str, str], HTTPRouteHandler]:
    return {
        (verb, route.path_format): handler
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if isinstance(handler, HTTPRouteHandler)
        for verb in handler.http_methods
    }


def _annotations(handler: HTTPRouteHandler) -> Iterator[object]:
    signature = handler.parsed_fn_signature
    yield signature.return_type.annotation
    if (data := signature.parameters.get("data")) is not None:
        yield data.annotation
    for told in (handler.responses or {}).values():
        yield told.data_container


def _describe(component: Json, kind: type) -> None:
    said = (kind.__doc__ or "").strip()
    if said and not said.startswith(f"{kind.__name__}("):
        component["description"] = " ".join(said.split())
    texts = of_type(kind)
    for name, found in component.get("properties", {}).items():
        if name in texts:
            found["description"] = texts[name]


def _complete(path: str, verb: str, operation: Json, handler: HTTPRouteHandler) -> None:
    right = right_of(handler.opt)
    operation["description"] = " ".join(filter(None, (_said(handler), _needs(right))))
    if right is not None:
        operation["x-faena-right"] = right.name
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        meaning = OF_ROUTE.get((f"{verb} {path}", name)) or MEANINGS.get(name)
        if meaning is not None:
            parameter["description"] = meaning
    failures = {code: text for code, text in _FAILURES.items() if code != "404" or "{" in path}
    for code, text in failures.items():
        content = {_JSON: {"schema": {"$ref": f"#/components/schemas/{_ERROR}"}}}
        operation["responses"][code] = {"description": text, "content": content}
    for code, answer in operation["responses"].items():
        if code not in failures:
            answer["description"] = _REST if code == "206" else operation.get("summary", "")
    if (example := examples().get((verb, path))) is not None:
        _give(operation, example)


def _said(handler: HTTPRouteHandler) -> str:
    text = inspect.cleandoc(handler.fn.__doc__ or "")
    return " ".join(text.split())


def _needs(right: Right | None) -> str:
    if right is None or right is Right.HOST:
        return "For whoever is on the server's own host, and for nodes."
    return f"Needs the role {next(role for role in Role if role.right >= right)}."


def _give(operation: Json, example: Example) -> None:
    if example.body is not None and (body := operation.get("requestBody")):
        body["content"].setdefault(_JSON, {})["example"] = example.body
    answer = operation["responses"].get(str(example.status))
    if answer is not None and example.answer is not None:
        answer.setdefault("content", {}).setdefault(_JSON, {})["example"] = example.answer
