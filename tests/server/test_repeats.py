"""A line of the server's log that comes again and again stands there once, and how often it came."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from faena.server.listener import repeats


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found = [1000.0]
    monkeypatch.setattr(repeats.time, "monotonic", lambda: found[0])  # type: ignore[attr-defined]  # what it imports
    return found


@pytest.fixture
def text() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(text: io.StringIO) -> Iterator[logging.Logger]:
    handler = repeats.CountingHandler(text)
    logger = logging.Logger("faena.test")
    logger.addHandler(handler)
    yield logger
    handler.close()


def test_a_line_is_written_once_and_counted(log: logging.Logger, text: io.StringIO, now: list[float]) -> None:
    for _ in range(5000):
        log.warning("too many: %d", 7)
    log.warning("another")
    assert text.getvalue() == "too many: 7\nanother\n"
    now[0] += 61
    log.warning("too many: %d", 7)
    assert text.getvalue() == "too many: 7\nanother\ntoo many: 7 (4,999 times more)\ntoo many: 7\n"


def test_the_count_is_told_where_no_line_follows(
    log: logging.Logger, text: io.StringIO, now: list[float]
) -> None:
    handler = log.handlers[0]
    assert isinstance(handler, repeats.CountingHandler)
    log.error("again")
    log.error("again")
    handler.tell()
    assert text.getvalue() == "again\n"
    now[0] += 61
    handler.tell()
    handler.tell()
    assert text.getvalue() == "again\nagain (1 times more)\n"


@pytest.mark.usefixtures("now")
def test_an_end_tells_what_is_left(log: logging.Logger, text: io.StringIO) -> None:
    for at in range(3):
        for _ in range(3):
            log.error("line %d", at)
    log.handlers[0].close()
    assert text.getvalue().count("(2 times more)") == 3


@pytest.mark.usefixtures("now")
def test_failures_of_different_causes_are_different_lines(log: logging.Logger, text: io.StringIO) -> None:
    for cause in ("a", "b", "a"):
        try:
            raise ValueError(cause)
        except ValueError:
            log.exception("failed")
    assert text.getvalue().count("Traceback") == 2


@pytest.mark.usefixtures("now")
def test_few_lines_are_remembered(log: logging.Logger, text: io.StringIO) -> None:
    for at in range(2000):
        log.error("line %d", at)
    handler = log.handlers[0]
    assert isinstance(handler, repeats.CountingHandler)
    assert len(handler._known) <= 256
    assert len(text.getvalue().splitlines()) == 2000


@pytest.mark.usefixtures("now")
def test_a_line_that_cannot_be_made_stops_nobody(
    log: logging.Logger, text: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    log.error("%d", "no number")
    log.error("after it")
    assert text.getvalue() == "after it\n"
    assert "Logging error" in capsys.readouterr().err
