"""What the description of the API says of an answer, held against the answer."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs

from tests.server.house import Answer

_SHOWN = 600


class Description:
    """`schema`: that of `/schema/openapi.json`."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._paths = schema["paths"]
        self._components = schema["components"]
        self._forms: dict[tuple[str, str, str, str], Any] = {}

    def complaint(self, verb: str, path: str, answer: Answer) -> str:
        """Empty where the answer is one of those that are described. `path`: the route's."""
        shown = f"{answer.status} {answer.text[:_SHOWN] if _is_text(answer) else answer.body[:80]!r}"
        if answer.status >= 500:
            return f"failed: {shown}"
        told = self._paths[path][verb.lower()]["responses"]
        of = told.get(str(answer.status)) or (told.get("default") if answer.status >= 400 else None)
        if of is None:
            return f"has a status that is not described: {shown}"
        content = {kind.partition(";")[0]: kind for kind in of.get("content") or {}}
        if not answer.body:
            return ""
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if kind not in content:
            return f"is {kind or 'of no kind'}, described is {', '.join(content) or 'nothing'}: {shown}"
        if kind != "application/json":
            return ""
        try:
            value = json.loads(answer.body)
        except ValueError as error:
            return f"is no JSON ({error}): {shown}"
        key = verb, path, str(answer.status) if str(answer.status) in told else "default", content[kind]
        wrong = next(iter(self._form(key).iter_errors(value)), None)
        return f"is of another form at {list(wrong.instance_path)}: {wrong.message[:300]}" if wrong else ""

    def _form(self, key: tuple[str, str, str, str]) -> Any:
        if key not in self._forms:
            verb, path, status, kind = key
            form = self._paths[path][verb.lower()]["responses"][status]["content"][kind].get("schema", {})
            self._forms[key] = jsonschema_rs.Draft202012Validator({**form, "components": self._components})
        return self._forms[key]


def _is_text(answer: Answer) -> bool:
    return answer.headers.get("content-type", "").startswith(("text/", "application/json"))
