"""Asks a real server one route after the other, and keeps what it answers."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import msgspec

from faena.db import Write
from faena.kernel.settings import home
from faena.server.reference.completing import Example
from faena.testing.waiting import until
from tests.people.shared import Caller, Shared
from tests.server.house import Answer

DATA = b"a file\n"
DIGEST = hashlib.sha256(DATA).hexdigest()
_TOKEN = re.compile(r"FAENA\w?-[\w.-]+")
_HEX = re.compile(
    r"(?<![0-9a-zA-Z])(?=\d*[a-f])[0-9a-f]{12,64}(?![0-9a-zA-Z])|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-"
)
"""With a letter: times are numbers of as many digits."""
_HERE = re.compile(r"(?<=//localhost:)\d+|(?<=//127\.0\.0\.1:)\d+")
_TOOK = re.compile(r"Ready in [\d.]+ s")
_MEASURED = {"port": 5001, "pid": 4242, "memory_bytes": 12_000_000, "seconds": 0.002, "ran_milliseconds": 0.1}
"""What is another number in each recording, by field."""
_SECRET = ("primary", "secondary", "key")


def _pattern(template: str) -> re.Pattern[str]:
    inner = re.sub(r"\{\w+\}$", ".+", template) if "/files/{" in template else template
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", inner))


class Session:
    """An owner's. What differs from one recording to the next (tokens, folders) is written as what it stands for."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.folder = shared.server.house.folder.path.parent
        self._routes = [
            (_pattern(template), template)
            for template in sorted(
                {route.path_format for route in shared.server.app.routes}, key=lambda path: path.count("{")
            )
        ]
        self._examples: dict[tuple[str, str], Example] = {}
        self._given: set[str] = set()
        """Ids and digests that were sent before any answer had them: the same in each recording."""
        self._made: dict[str, str] = {}
        """Those that the server made, and what is written instead."""
        self._shown: list[tuple[str, str]] = [(str(self.folder), "/srv/team"), (str(home()), "/srv/faena")]

    def examples(self) -> list[Example]:
        """By route and verb."""
        shown = [*self._shown, *self._made.items()]
        ordered = [self._examples[key] for key in sorted(self._examples, key=lambda key: (key[1], key[0]))]
        return [msgspec.json.decode(_settled(each, shown), type=Example) for each in ordered]

    def asked(self) -> list[Example]:
        """One of each route, as it was sent."""
        return list(self._examples.values())

    def ask(self, verb: str, path: str, body: Any = None, by: Caller | None = None) -> Any:
        """What is answered to the owner, or `by` somebody else; it must be a good one."""
        return self._keep(verb, path, body, (by or self.shared.owner).ask(verb, path, body))

    def ask_there(self, verb: str, path: str, body: Any = None) -> Any:
        """The same on the server's own host, where paths of that host count: past the listener for people."""
        data = b"" if body is None else json.dumps(body).encode()

        async def send() -> Answer:
            transport = httpx.ASGITransport(self.shared.server.app)  # type: ignore[arg-type]  # ASGI is ASGI
            async with httpx.AsyncClient(transport=transport, base_url="http://socket", timeout=60) as client:
                sent = {"Content-Type": "application/json"}
                answer = await client.request(verb, path, content=data, headers=sent)
                return Answer(answer.status_code, dict(answer.headers), answer.content)

        return self._keep(verb, path, body, self.shared.server.do(send()))

    def sent(self, verb: str, path: str, body: Any, **headers: str) -> None:
        """Of a protocol that others describe: no example."""
        answer = self.shared.owner.ask(verb, path, body, **headers)
        assert answer.status < 300, answer.text

    def until(self, path: str, holds: Callable[[Any], bool]) -> Any:
        """What is told there once that holds; it is no example."""

        def told() -> Any:
            answer = self.shared.owner.ask("GET", path)
            return answer.json if holds(answer.json) else None

        return until(told, path)

    def write(self, work: Any) -> Any:
        """Into the database: what only nodes and builders write."""

        def done(write: Write) -> Any:
            return work(write)

        return self.shared.server.house.database.submit_write(done).result()

    def put_bytes(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self.ask("PUT", f"/objects/{digest}", data)
        return digest

    def show(self, found: object, shown: object) -> None:
        """From now on the one is written as the other."""
        self._shown.insert(0, (str(found), str(shown)))  # before the folder that it is in

    def _keep(self, verb: str, path: str, body: Any, answer: Answer) -> Any:
        assert answer.status < 300, f"{verb} {path}: {answer.status} {answer.text}"
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        told = answer.json if answer.body and is_json else None
        if path.startswith("/api/"):
            return told  # MLflow's, which its own documents describe
        route = self._route(path.partition("?")[0])
        sent = None if isinstance(body, bytes) else body
        self._note(f"{path} {json.dumps(sent)}", answer.text if told is not None else "")
        self._examples.setdefault((verb, route), Example(verb, route, path, answer.status, sent, told))
        return told

    def _note(self, sent: str, answered: str) -> None:
        self._given |= set(_HEX.findall(sent)) - self._made.keys()
        for word in _HEX.findall(answered):
            if word not in self._given and word not in self._made:
                made = hashlib.sha256(f"{len(self._made)}".encode()).hexdigest()
                parts = [made[at : at + len(part)] for at, part in enumerate(word.split("-"))]
                self._made[word] = "-".join(parts)

    def _route(self, path: str) -> str:
        return next(template for pattern, template in self._routes if pattern.fullmatch(path))


def _settled(found: Example, shown: Sequence[tuple[str, str]]) -> str:
    told = msgspec.to_builtins(found)
    told["answer"] = _plain(told["answer"])
    text = json.dumps(told, ensure_ascii=False)
    for each, instead in shown:
        text = text.replace(each, instead)
    text = _TOOK.sub("Ready in 0.01 s", text)
    return _HERE.sub("5001", _TOKEN.sub("FAENAP-…", text))


def _plain(value: Any, name: str = "") -> Any:
    """Without secrets, and with a number that stays for what is measured."""
    if isinstance(value, dict):
        return {each: _plain(inner, each) for each, inner in value.items()}
    if isinstance(value, list):
        return [_plain(each, name) for each in value]
    if name in _SECRET and isinstance(value, str) and len(value) > 20:
        return "…"
    return _MEASURED[name] if name in _MEASURED and value else value
