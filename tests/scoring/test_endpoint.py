"""Which revision answers: while one takes over from another, by weights, by a header, and in the shadow."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import msgspec
import pytest

from faena.scoring.desired import Endpoint, Limits, Revision
from faena.scoring.endpoint import Revisions
from faena.scoring.exchange import Answer, Request
from faena.scoring.metrics import Metrics
from faena.scoring.shadow import same
from faena.scoring.status import State
from faena.scoring.traffic import Split
from tests.scoring.fakes import Fakes


class House:
    """An endpoint whose workers are fakes."""

    def __init__(self) -> None:
        self.fakes = Fakes()
        self.metrics = Metrics()
        self.revisions = Revisions(self.fakes.start, self.metrics, lambda: None)

    def want(self, *revisions: Revision, **how: Any) -> None:
        self.revisions.want(Endpoint(name="digits", revisions=list(revisions), **how))

    async def be(self, place: int, state: State, error: str | None = None) -> None:
        self.fakes[place].be(state, error)
        await settle()

    def drained(self, place: int) -> bool:
        return self.fakes[place].drained

    def state(self) -> str:
        return str(self.revisions.state()[0])

    def later(self, received: float | None = None) -> list[Answer]:
        """Ask; the answer is in the list once there is one."""
        answers: list[Answer] = []
        at = asyncio.get_running_loop().time() if received is None else received
        self.revisions.submit(Request("POST", "/score", b"", [], b"1", "id", at), "score", answers.append)
        return answers

    def ask(self, **headers: str) -> Answer | None:
        answers: list[Answer] = []
        given = [(name.encode(), value.encode()) for name, value in headers.items()]
        self.revisions.submit(Request("POST", "/score", b"", given, b"1", "id", 0.0), "score", answers.append)
        return answers[0] if answers else None

    def answered_by(self, **headers: str) -> int:
        answer = self.ask(**headers)
        assert answer is not None
        assert answer.status == 200
        return int(msgspec.json.decode(answer.body))


def revision(number: int, **how: Any) -> Revision:
    return Revision(id=number, python="/bin/python", app="/app", entry="score.py", **how)


async def settle() -> None:
    """What was to be done soon is."""
    for _ in range(10):
        await asyncio.sleep(0)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_nobody_answers_until_a_worker_is_ready() -> None:
    async def work() -> None:
        house = House()
        house.want(revision(1))
        asked = [house.later() for _ in range(3)]
        assert house.state() == State.TRANSITIONING
        assert not any(asked)
        await house.be(0, State.HEALTHY)
        assert [answers[0].status for answers in asked] == [200] * 3
        assert house.answered_by() == 1
        assert house.state() == State.HEALTHY

    run(work())


def test_nobody_waits_for_ever_for_a_start() -> None:
    async def work() -> None:
        house = House()
        house.want(revision(1), limits=Limits(queue=2))
        long_ago = house.later(asyncio.get_running_loop().time() - 60)
        waits = house.later()
        too_many = house.later()
        assert [answer.status for answer in too_many] == [503]
        deadline = asyncio.get_running_loop().time() + 30
        while not long_ago and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        assert [(answer.status, answer.headers) for answer in long_ago] == [(503, ((b"retry-after", b"1"),))]
        assert not waits
        await house.be(0, State.FAILED, "init() failed")
        assert [answer.status for answer in waits] == [503]
        assert b"init() failed" in waits[0].body

    run(work())


def test_who_waits_for_a_start_is_told_of_the_end() -> None:
    async def work() -> None:
        house = House()
        house.want(revision(1))
        waits = house.later()
        await house.revisions.drain()
        assert [answer.status for answer in waits] == [503]

    run(work())


def test_the_old_one_answers_until_the_new_one_can() -> None:
    async def work() -> None:
        house = House()
        house.want(revision(1))
        await house.be(0, State.HEALTHY)
        house.want(revision(1), revision(2))
        assert house.answered_by() == 1
        assert sorted(house.revisions.serving) == [1]
        assert not house.drained(0)
        await house.be(1, State.HEALTHY)
        assert house.answered_by() == 2
        assert house.drained(0)
        assert house.metrics.updates == {"succeeded": 2}

    run(work())


def test_a_new_one_that_fails_leaves_the_old_one() -> None:
    async def work() -> None:
        house = House()
        house.want(revision(1))
        await house.be(0, State.HEALTHY)
        house.want(revision(1), revision(2))
        await house.be(1, State.FAILED, "init() failed")
        assert house.answered_by() == 1
        state, failure = house.revisions.state()
        assert state is State.HEALTHY
        assert failure is not None
        assert (failure.message, failure.revision) == ("init() failed", 2)
        assert house.revisions.statuses()["2"].state is State.FAILED
        assert house.fakes[1].killed
        assert house.revisions.is_settled
        house.want(revision(1))
        assert house.revisions.state() == (State.HEALTHY, None)
        house.want(revision(1), revision(3))
        await house.be(2, State.HEALTHY)
        assert house.answered_by() == 3

    run(work())


def test_the_first_one_that_fails_is_the_endpoints_failure() -> None:
    async def work() -> None:
        house = House()
        house.want(revision(1))
        await house.be(0, State.FAILED, "init() failed")
        assert house.revisions.state()[0] is State.FAILED
        answer = house.ask()
        assert answer is not None
        assert answer.status == 503
        assert b"init() failed" in answer.body

    run(work())


def test_one_that_answers_no_more_is_unhealthy() -> None:
    async def work() -> None:
        house = House()
        house.want(revision(1))
        await house.be(0, State.HEALTHY)
        await house.be(0, State.UNHEALTHY, "the worker was killed")
        state, failure = house.revisions.state()
        assert state is State.UNHEALTHY
        assert failure is not None
        await house.be(0, State.HEALTHY)
        assert house.revisions.state() == (State.HEALTHY, None)

    run(work())


@pytest.mark.parametrize("status", [400, 500])
def test_a_sample_is_answered_first(status: int) -> None:
    async def work() -> None:
        house = House()
        house.want(revision(1))
        await house.be(0, State.HEALTHY)
        house.want(revision(1), revision(2, sample='{"data": [1]}'))
        house.fakes[1].status = status
        house.fakes[1].body = "no such column"
        await house.be(1, State.HEALTHY)
        assert house.answered_by() == 1
        failure = house.revisions.state()[1]
        assert failure is not None
        assert f"sample: the answer was {status}" in failure.message
        assert "no such column" in failure.message
        house.want(revision(1), revision(3, sample='{"data": [1]}'))
        house.fakes[2].holds = True
        await house.be(2, State.HEALTHY)
        assert house.answered_by() == 1
        [[sample, route]] = house.fakes[2].asked
        assert (sample.body, route) == (b'{"data": [1]}', "score")
        house.fakes[2].holds = False
        house.fakes[2].held[0](house.fakes[2].answer())
        await settle()
        assert house.answered_by() == 3

    run(work())


def test_what_is_not_wanted_any_more_never_answers() -> None:
    async def work() -> None:
        house = House()
        house.want(revision(1))
        await house.be(0, State.HEALTHY)
        house.want(revision(1), revision(2))
        house.want(revision(1), revision(3))
        assert house.fakes[1].killed
        await house.be(1, State.HEALTHY)
        assert house.answered_by() == 1
        await house.be(2, State.HEALTHY)
        assert house.answered_by() == 3
        house.want(revision(1), revision(3), traffic={"1": 1.0})
        assert house.answered_by() == 3
        await house.be(3, State.HEALTHY)
        assert house.answered_by() == 1
        assert house.drained(2)

    run(work())


def test_a_revision_that_is_another_one_now_is_replaced() -> None:
    async def work() -> None:
        house = House()
        house.want(revision(1))
        await house.be(0, State.HEALTHY)
        house.want(revision(1, workers=2))
        assert house.answered_by() == 1
        assert not house.drained(0)
        await house.be(1, State.HEALTHY)
        assert house.drained(0)
        assert not house.fakes[0].asked[1:]

    run(work())


def test_limits_and_keys_start_nothing() -> None:
    async def work() -> None:
        house = House()
        house.want(revision(1))
        await house.be(0, State.HEALTHY)
        house.want(revision(1), limits=Limits(queue=5), keys=["a"])
        assert len(house.fakes.made) == 1
        assert house.fakes[0].limits.queue == 5

    run(work())


def test_weights() -> None:
    async def work() -> None:
        house = House()
        both = (revision(1), revision(2))
        house.want(*both, traffic={"1": 1})
        await house.be(0, State.HEALTHY)
        house.want(*both, traffic={"1": 90, "2": 10}, sticky_header="X-User")
        assert {house.answered_by() for _ in range(50)} == {1}
        await house.be(1, State.HEALTHY)
        counted = Counter(house.answered_by() for _ in range(2000))
        assert 100 < counted[2] < 320
        for user in map(str, range(50)):
            assert len({house.answered_by(**{"x-user": user}) for _ in range(5)}) == 1
        house.want(*both, traffic={"1": 0, "2": 100})
        await settle()
        assert house.drained(0)
        assert {house.answered_by() for _ in range(50)} == {2}

    run(work())


def test_a_split_covers_all() -> None:
    split = Split({1: 1, 2: 2, 3: 1})
    assert [split.at(place) for place in (0.0, 0.2499, 0.25, 0.7499, 0.75, 0.9999999)] == [1, 1, 2, 2, 3, 3]
    sticky = Split({1: 80, 2: 20}, "user")
    counted = Counter(
        sticky.choose(Request("POST", "/", b"", [(b"user", b"%d" % user)], b"", "", 0.0))
        for user in range(2000)
    )
    assert 280 < counted[2] < 530


def test_shadow_answers_are_compared_and_not_sent() -> None:
    async def work() -> None:
        house = House()
        house.want(revision(1), revision(2), traffic={"1": 1}, shadow=2)
        await house.be(0, State.HEALTHY)
        assert house.answered_by() == 1
        assert not house.fakes[1].asked
        await house.be(1, State.HEALTHY)
        assert house.answered_by() == 1
        house.fakes[1].body = 1
        assert house.answered_by() == 1
        house.fakes[1].status = 500
        assert house.answered_by() == 1
        assert len(house.fakes[1].asked) == 3
        assert house.metrics.shadow == {"different": 2, "same": 1}
        house.fakes[1].holds = True
        assert house.answered_by() == 1  # nobody waits for it
        await house.be(1, State.FAILED, "it died")
        assert house.answered_by() == 1
        assert house.metrics.shadow["skipped"] == 1
        house.want(revision(1))
        await settle()
        assert house.fakes[1].killed or house.drained(1)

    run(work())


@pytest.mark.parametrize(
    ("one", "other", "are"),
    [
        (b"[1]", b"[1]", True),
        (b'{"a": 1, "b": 2}', b'{"b":2,"a":1.0}', True),
        (b"[1]", b"[2]", False),
        (b"a", b"b", False),
        (b"[" * 10_000, b"[" * 9_999, False),
    ],
)
def test_same_answers(one: bytes, other: bytes, are: bool) -> None:
    assert same(one, other) is are


def test_all_leave_at_the_end() -> None:
    async def work() -> None:
        house = House()
        house.want(revision(1))
        await house.be(0, State.HEALTHY)
        house.want(revision(1), revision(2))
        await house.revisions.drain()
        assert house.drained(0)
        assert house.fakes[1].killed

    run(work())
