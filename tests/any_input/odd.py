"""Requests that are fine but for one value, at any depth."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import requests

ODD: list[Any] = [
    None, True, 0, -1, 1.5, 2**31, 2**62, 2**63, 2**64, -(2**63) - 1, 10**30, 1e308, "", " ", "x" * 9000, "x" * 200_000,
    "\x00", "a\x00b", "\ud800", "é" * 300, "\u202egpj.exe", "NaN", "1e400", "-1s", "9999-99-99T99:99:99Z",
    "../..", "%2e%2e", "%ff", "'", "`", "metrics.`a` >", "a = 'b' AND", "(", "[]", "{}", '{"a":', "[{}]", "=cmd()",
    [], {}, [None], [[]], [{}], [1, "a"], [{"key": "a"}], [{"key": None, "value": 1}], {"": ""}, {"a": None},
    {"a": {"b": []}}, {"\x00": "\x00"}, [{"key": "a", "value": "b"}] * 1500, ["x"] * 2000, ["x"] * 100_000,
]  # fmt: skip
"""Values of kinds, lengths and contents that no client sends."""


def places(value: Any, *above: Any) -> Iterator[tuple[Any, ...]]:
    """All values within one, as the keys on the way to it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield (*above, name)
        yield from places(each, *above, name)


def with_one_odd(value: Any, chosen: random.Random) -> Any:
    """The value with another one at one place, or, now and then, without that place."""
    there = list(places(value))
    if not there or chosen.random() < 0.1:
        return chosen.choice(ODD)
    changed = json.loads(json.dumps(value))
    *way, last = chosen.choice(there)
    inner = changed
    for step in way:
        inner = inner[step]
    if chosen.random() < 0.15:
        del inner[last]
    else:
        inner[last] = chosen.choice(ODD)
    return changed


def request(example: Any, chosen: random.Random) -> requests.Request:
    """Like the example, but for one value of its path, its query or its body."""
    path, _, query = example.path.partition("?")
    parts, asked, body = path.split("/"), parse_qsl(query, keep_blank_values=True), example.body
    which = chosen.random()
    if body is not None and which < 0.7:
        body = with_one_odd(body, chosen)
    elif asked and which < 0.9:
        at = chosen.randrange(len(asked))
        asked[at] = (asked[at][0], _as_text(chosen.choice(ODD)))
    elif len(parts) > 2 and which < 0.98:
        at = chosen.randrange(2, len(parts))
        # what is empty would be the path of another route
        parts[at] = quote(_as_text(chosen.choice(ODD))[:3000], safe="", errors="replace") or "x"
    else:
        asked.append((chosen.choice(["limit", "unknown", "from", "after", "\x00"]), "1"))
    told = urlencode(asked, errors="replace")[:40_000]
    data = None if body is None else json.dumps(body).encode("utf-8", "surrogatepass")
    url = "/".join(parts) + (f"?{told}" if told else "")
    return requests.Request(example.verb, url, {"Content-Type": "application/json"}, data=data)


def as_it_is(example: Any) -> requests.Request:
    data = None if example.body is None else json.dumps(example.body).encode()
    return requests.Request(example.verb, example.path, {"Content-Type": "application/json"}, data=data)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)[:9000]
