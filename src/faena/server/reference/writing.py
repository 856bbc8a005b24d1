"""The pages of docs/api, from the description of the routes; `faena.server.api_pages` writes them."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from faena.kernel.rights import Right
from faena.server.reference.completing import Json, examples, operations

_LEFT_OUT = ("pages", "runners", "ray")
"""What the server's own pages and nodes ask: nobody else should."""
_JSON = "application/json"
_HEAD = """# The HTTP API

Made by `python -m faena.server.api_pages docs/api`. The same as OpenAPI: `GET /schema/openapi.json`.

Ask at the address of a shared server with `Authorization: Bearer TOKEN` ([server.md](../server.md)), or without at the
socket of a workspace's server on its own host. Bodies and answers are JSON unless they are bytes of a file. Times are
microseconds since 1970, UTC. A field that no route knows is refused, and so is a parameter.

An answer of 400 or more is `{"code": …, "message": …}`: `code` is the class of the error that Faena's client raises,
`message` says what is wrong and what to do. All routes answer 401 without a good token and 403 to a role that may not.
Creating is `PUT` with an id that you make, or takes a request id: asking again has no second effect. Examples are
answers of a real server.

Probes and metrics: [operation.md](../operation.md). MLflow's routes: [mlflow-routes.md](../mlflow-routes.md).

| group | routes |
|---|---|
"""


def pages(schema: Json) -> dict[str, str]:
    """The text of each file, by its name."""
    groups: dict[str, list[tuple[str, str, Json]]] = defaultdict(list)
    for path, verb, operation in operations(schema):
        tag = str((operation.get("tags") or ["server"])[0])
        if tag not in _LEFT_OUT and operation.get("x-faena-right") not in (None, Right.HOST.name):
            groups[tag].append((path, verb, operation))
    index = [f"| [{tag}]({_file(tag)}) | {len(found)} |\n" for tag, found in sorted(groups.items())]
    made = {"README.md": _HEAD + "".join(index)}
    for tag, found in groups.items():
        parts = [_operation(schema, *each) for each in found]
        title = tag[0].upper() + tag[1:]
        made[_file(tag)] = f"# {title}\n\n[All groups](README.md)\n\n" + "\n".join(parts)
    return made


def _file(tag: str) -> str:
    return (
        "".join(letter for letter in tag.lower().replace(" ", "-") if letter.isalnum() or letter == "-")
        + ".md"
    )


def _operation(schema: Json, path: str, verb: str, operation: Json) -> str:
    lines = [f"## {verb} `{path}`\n", f"{operation['summary']}. {operation['description']}\n"]
    if parameters := operation.get("parameters"):
        lines += ["| parameter | | |", "|---|---|---|", *map(_parameter, parameters), ""]
    body = operation.get("requestBody", {}).get("content", {})
    for said, content in (("Body", body), ("Answer", _answer(operation))):
        if (kind := _named(content)) is not None:
            lines += [f"{said}: `{kind}`\n", *_fields(schema, kind)]
    if (other := next(iter(_answer(operation)), _JSON)) != _JSON:
        lines.append(f"Answer: bytes, `{other}`\n")
    if (example := examples().get((verb, path))) is not None:
        sent = "" if example.body is None else f"\n{_shown(example.body)}\n"
        told = "" if example.answer is None else f"\n{_shown(example.answer)}"
        lines += [f"```http\n{verb} {example.path}{sent}\n\n{example.status}{told}\n```\n"]
    return "\n".join(lines)


def _parameter(found: Json) -> str:
    kind = found.get("schema", {})
    default = f", default {json.dumps(kind['default'])}" if kind.get("default") is not None else ""
    bounds = ", ".join(
        f"{word} {kind[name]:g}" for name, word in (("minimum", "from"), ("maximum", "to")) if name in kind
    )
    told = "in the path" if found["in"] == "path" else f"{_type(kind)}{default}"
    return f"| `{found['name']}` | {told}{', ' + bounds if bounds else ''} | {found.get('description', '')} |"


def _answer(operation: Json) -> Json:
    codes = [code for code in operation["responses"] if code.startswith("2")]
    found: Json = operation["responses"][codes[0]].get("content", {}) if codes else {}
    return found


def _named(content: Json) -> str | None:
    """The wire type of a body, with `[]` behind it where there are many."""
    schema: Json = next(iter(content.values()))["schema"] if content else {}
    many = "[]" if schema.get("type") == "array" else ""
    reference = (schema.get("items", {}) if many else schema).get("$ref")
    return None if reference is None else reference.rpartition("/")[2] + many


def _fields(schema: Json, kind: str) -> list[str]:
    component = schema["components"]["schemas"].get(kind.removesuffix("[]"), {})
    needed = component.get("required", ())
    rows = [
        f"| `{name}` | {_type(found)}{'' if name in needed else ', optional'} | {found.get('description', '')} |"
        for name, found in component.get("properties", {}).items()
    ]
    return ["| field | | |", "|---|---|---|", *(row.replace("\n", " ") for row in rows), ""] if rows else []


def _type(schema: Json) -> str:
    if (reference := schema.get("$ref")) is not None:
        return f"`{reference.rpartition('/')[2]}`"
    if options := schema.get("oneOf") or schema.get("anyOf"):
        return " or ".join(_type(each) for each in options)
    kind: Any = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
