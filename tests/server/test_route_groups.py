"""Routes that are made when they are asked for: those that a path's first word says, and no part of the server else."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import pytest
from litestar import get

from faena.kernel.routing import Router
from faena.server.route_groups import GROUPS, Application, Load


@pytest.mark.filterwarnings(
    "ignore:Deprecated 'query' parameter:DeprecationWarning"
)  # of the oldest Litestar allowed
@pytest.mark.parametrize(("words", "load"), GROUPS.items(), ids=map("-".join, GROUPS))
def test_a_group_has_routes_by_each_of_its_words_and_no_other(words: tuple[str, ...], load: Load) -> None:
    assert {route.path.split("/")[1] for route in Router("/", route_handlers=list(load())).routes} == set(
        words
    )


@pytest.mark.long
def test_what_they_load_adds_neither_tables_nor_functions_that_others_call() -> None:
    """It would be missing until somebody asks for the routes."""
    code = """
import gc, json
import faena.server.application
from faena.db.schema import metadata
from faena.kernel.hooks import Hooks
from faena.server.route_groups import GROUPS
def added():
    hooks = [function for each in gc.get_objects() if isinstance(each, Hooks) for function in each]
    return [sorted(metadata.tables), sorted(f"{each.__module__}.{each.__qualname__}" for each in hooks)]
before = added()
for load in GROUPS.values():
    load()
print(json.dumps([before, added()]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    before, after = json.loads(done.stdout)
    assert before == after
    assert all(before)


def made(words: str, calls: list[str]) -> tuple[tuple[str, ...], Load]:
    """A group that counts how often it is made."""

    def load() -> list[Router]:
        calls.append(words)

        @get("/")
        async def show() -> str:
            return words

        return [Router(f"/{word}", route_handlers=[show]) for word in words.split()]

    return tuple(words.split()), load


@pytest.fixture
def calls() -> list[str]:
    """Groups in the order in which they were made."""
    return []


@pytest.fixture
def app(calls: list[str]) -> Application:
    return Application(
        dict(made(words, calls) for words in ("a b", "b2 c", "d")), route_handlers=[], openapi_config=None
    )


def ask(app: Application, paths: Iterable[str]) -> list[tuple[int, bytes]]:
    """Status and body for each path."""

    async def one(path: str) -> tuple[int, bytes]:
        said: list[dict[str, Any]] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            said.append(message)

        scope: Any = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [],
            "http_version": "1.1",
            "scheme": "http",
            "server": ("localhost", 80),
            "client": None,
            "state": {},
            "extensions": {},
        }
        await app(scope, receive, send)
        status = next(each["status"] for each in said if each["type"] == "http.response.start")
        return status, b"".join(each["body"] for each in said if each["type"] == "http.response.body")

    async def all_of_them() -> list[tuple[int, bytes]]:
        return [await one(path) for path in paths]

    return asyncio.run(all_of_them())


def test_the_first_request_makes_a_group_and_later_ones_use_it(app: Application, calls: list[str]) -> None:
    assert ask(app, ["/b", "/a", "/b/"]) == [(200, b"a b")] * 3
    assert calls == ["a b"]


def test_what_is_nowhere_makes_none(app: Application, calls: list[str]) -> None:
    assert [status for status, _ in ask(app, ["/", "/nowhere", "/bb/a", "//"])] == [404] * 4
    assert calls == []


def test_all_are_made_once_for_who_wants_to_know_of_all(app: Application, calls: list[str]) -> None:
    ask(app, ["/d", "/schema"])
    app.make_all()
    assert sorted(calls) == ["a b", "b2 c", "d"]
    assert calls[0] == "d"
