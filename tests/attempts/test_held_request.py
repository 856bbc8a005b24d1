"""A request that a server holds while nobody watches brings news at once, and looks at files go on meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faena.attempts.api import Shipped
from faena.attempts.folder import AttemptFolder
from faena.attempts.follow import Follower
from faena.attempts.held_request import HeldRequest
from faena.attempts.key import AttemptKey
from faena.attempts.upload import Shipper
from faena.kernel.errors import ServerUnreachable
from faena.testing.waiting import until

QUIET = Shipped({}, False, False)
WATCHED = Shipped({}, False, True)
CANCELED = Shipped({}, True, False)


class Server:
    """Holds what is asked until it is told an answer, and takes what is shipped."""

    def __init__(self) -> None:
        self.held: list[float] = []
        self.shipped: list[bytes] = []
        self._told: list[Shipped | Exception] = []
        self._changed = threading.Condition()

    def tell(self, answer: Shipped | Exception) -> None:
        with self._changed:
            self._told.append(answer)
            self._changed.notify_all()

    def signals(self, key: object, seconds: float) -> Shipped:
        self.held.append(seconds)
        with self._changed:
            self._changed.wait_for(lambda: bool(self._told))
            answer = self._told.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ship(self, key: object, segments: list[Any], **_: object) -> Shipped:
        self.shipped += [part.data for part in segments]
        return Shipped({part.stream: part.offset + len(part.data) for part in segments}, False, False)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.tell(CANCELED)  # whoever is held goes


def test_it_is_held_anew_after_each_answer_until_enough_was_heard(server: Server) -> None:
    heard: list[Shipped] = []

    def hear(answer: Shipped) -> bool:
        heard.append(answer)
        return answer.watched

    request = HeldRequest(lambda seconds: server.signals(None, seconds), hear)
    request.begin()
    request.begin()
    for answer in (QUIET, QUIET, WATCHED):
        assert request.is_there
        server.tell(answer)
    until(lambda: not request.is_there, "enough was heard")
    assert heard == [QUIET, QUIET, WATCHED]
    assert len(server.held) == 3, "one at a time"
    assert len(set(server.held)) == 3 and all(20 <= seconds <= 30 for seconds in server.held)


def test_one_that_fails_is_not_held_again_at_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("faena.attempts.held_request.time.monotonic", lambda: now)
    request = HeldRequest(lambda seconds: server.signals(None, seconds), lambda answer: True)
    request.begin()
    server.tell(ServerUnreachable("it is away"))
    until(lambda: not request.is_there, "it has failed")
    request.begin()
    assert not request.is_there
    now += 2.0
    request.begin()
    assert request.is_there


@pytest.fixture
def folder(tmp_path: Path) -> AttemptFolder:
    made = AttemptFolder(tmp_path / "run" / "1" / "0")
    made.spool.mkdir(parents=True)
    made.driver_log.touch()
    return made


@pytest.mark.parametrize("news", [WATCHED, CANCELED])
def test_what_a_script_writes_is_shipped_while_a_request_is_held(
    server: Server, folder: AttemptFolder, monkeypatch: pytest.MonkeyPatch, news: Shipped
) -> None:
    monkeypatch.setattr("faena.attempts.pace._UNWATCHED", 0.05)
    follower = Follower(folder, rank=0, node_count=1)
    shipper = Shipper(server, AttemptKey("r", 1, 0), follower, watched=False)  # type: ignore[arg-type]  # what is used of one
    shipper.assume_started(1)
    shipper.start()
    try:
        until(lambda: bool(server.held), "nobody watches")
        write_line(folder, b"one\n")
        until(lambda: b"one\n" in server.shipped, "it is shipped")
        write_line(folder, b"two\n")
        until(lambda: b"two\n" in server.shipped, "and so is the next")
        assert len(server.held) == 1, "all the while"
        server.tell(news)
        if news.cancel:
            assert shipper.cancel_requested.wait(60)
        else:
            until(
                lambda: len(server.held) == 2, "nobody watches any more, as the next word of the server told"
            )
    finally:
        shipper.finish()


def write_line(folder: AttemptFolder, line: bytes) -> None:
    with folder.driver_log.open("ab") as file:
        file.write(line)
