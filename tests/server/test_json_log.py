"""A log of objects, with a line for each request, and the ids by which a request is found in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from faena.people.model import Role
from faena.server.operation import logs
from faena.testing.clock import ManualClock
from tests.people.shared import Shared
from tests.server.house import running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    clock = ManualClock()
    with running(tmp_path_factory.mktemp("log"), clock, settings=Shared.settings()) as server:
        found = Shared(server, clock)
        yield found
        found.close()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    logger, stream = logging.getLogger("faena.requests"), io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter())
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(level)


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_request_has_a_line_and_nothing_that_was_shown_is_in_it(shared: Shared, log: io.StringIO) -> None:
    rita = shared.person("rita", Role.READER)
    log.truncate(0)
    log.seek(0)
    answer = rita.ask("GET", "/runs/secret_path?attempt=1", **{"X-Request-Id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    shared.owner.ask("GET", "/me")  # the line of the one before is written when its answer has ended
    first = lines(log)[0]
    assert first.pop("seconds") >= 0
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "level": "INFO",
        "logger": "faena.requests",
        "message": f"GET /runs/{{run_id}} {answer.status}",
        "request_id": "mine-1",
        "person": "rita",
        "method": "GET",
        "route": "/runs/{run_id}",
        "status": answer.status,
    }
    assert "secret_path" not in log.getvalue()
    assert rita.token not in log.getvalue()


@pytest.mark.parametrize("given", ["", "two words", "x" * 101, "caf\xe9"])
def test_an_id_that_is_none_is_replaced(shared: Shared, given: str) -> None:
    ids = [
        shared.owner.ask("GET", "/version", **{"X-Request-Id": given}).headers["x-request-id"]
        for _ in range(2)
    ]
    assert given not in ids
    assert len(set(ids)) == 2


def test_an_exception_is_one_line_with_its_traceback() -> None:
    try:
        raise ValueError("a\nb")
    except ValueError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, "", 1, "it %s", ("failed",), (type(error), error, None)
        )
    line = logs.JsonFormatter().format(record)
    assert "\n" not in line
    found = json.loads(line)
    assert (found["level"], found["message"]) == ("ERROR", "it failed")
    assert "ValueError: a" in found["exception"]
