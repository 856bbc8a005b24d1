"""The ring between a worker and its front, with both sides in one process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from faena.scoring.exchange import Answer, Request
from faena.scoring.pending import Pending
from faena.scoring.shared_memory import SharedMemory
from faena.scoring.worker import memory, wire


def pending(number: int, reply: Callable[[Answer], None]) -> Pending:
    made = Pending(Request("POST", "/score", b"", [], b"", "", 0.0), wire.SCORE, reply, 60.0)
    made.number = number
    return made


def test_what_seemed_begun_when_it_was_revoked_is_given_back() -> None:
    """The worker says which one it has in RUNNING, and is held up before it looks whether that has been revoked."""
    front = SharedMemory()
    worker = memory.Memory(front.descriptor)
    answered: list[bytes] = []
    sent = deque(pending(number, lambda answer: answered.append(answer.body)) for number in (1, 2, 3))
    worker.put(1, 0, 200, 0, 1, b"", b"one")
    worker.cells[wire.RUNNING] = 2
    front.revoke(3)
    assert front.running == 2
    third = sent.pop()  # which the front takes back, since it is behind the one in RUNNING
    for number in (2, 3):
        worker.put(number, 0, wire.NOT_BEGUN, 0, 1, b"", b"")
    front.take(sent)
    assert answered == [b"one"]
    assert not sent
    assert [each.number for each in front.not_begun] == [2]
    third.number = 4
    sent.append(third)
    worker.put(4, 0, 200, 0, 1, b"", b"four")
    front.take(sent)
    assert answered == [b"one", b"four"]


def test_one_of_a_batch_is_given_back_before_those_that_run() -> None:
    front = SharedMemory()
    worker = memory.Memory(front.descriptor)
    answered: list[bytes] = []
    sent = deque(pending(number, lambda answer: answered.append(answer.body)) for number in (1, 2))
    worker.put(2, 0, wire.NOT_BEGUN, 0, 1, b"", b"")
    worker.put(1, 0, 200, 0, 1, b"", b"one")
    front.take(sent)
    assert answered == [b"one"]
    assert [each.number for each in front.not_begun] == [2]
