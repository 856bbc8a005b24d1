"""How requests are shared among revisions, and what becomes of an endpoint by what its front says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faena.endpoints.model import Endpoint, Revision, Stage, check_name, check_traffic, with_share
from faena.endpoints.pace import LOOK, Pace
from faena.endpoints.schemas import FailureView, RevisionSpec, Settings
from faena.endpoints.settling import KEPT, Settled, settle
from faena.endpoints.views import state_of
from faena.kernel.errors import WebserviceException
from faena.scoring.status import Failure, RevisionStatus, State, Status


@pytest.mark.parametrize("name", ["mnist", "a-1", "a" * 32, "chainer-mnist-1"])
def test_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "ab", "Mnist", "1mnist", "mnist-", "a_b", "a" * 33, "a/b", "é" * 4, "a\nb"]
)
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(WebserviceException, match="not a valid service name"):
        check_name(name)


@pytest.mark.parametrize(
    ("traffic", "percentage", "shares"),
    [
        ({}, 100, {3: 100}),
        ({}, 10, {3: 100}),
        ({1: 100}, 100, {3: 100}),
        ({1: 100}, 10, {1: 90, 3: 10}),
        ({1: 100}, 1, {1: 99, 3: 1}),
        ({1: 50, 2: 50}, 10, {1: 45, 2: 45, 3: 10}),
        ({1: 2, 2: 1}, 40, {1: 40, 2: 20, 3: 40}),
    ],
)
def test_shares(traffic: dict[int, int], percentage: int, shares: dict[int, int]) -> None:
    assert with_share(traffic, 3, percentage) == shares


@given(
    st.dictionaries(st.integers(1, 9), st.integers(1, 1000), max_size=6),
    st.integers(1, 100),
    st.integers(1, 12),
)
def test_shares_are_a_hundred(traffic: dict[int, int], percentage: int, number: int) -> None:
    shares = with_share(traffic, number, percentage)
    assert sum(shares.values()) == 100
    assert min(shares.values()) >= 0


@pytest.mark.parametrize("traffic", [{}, {"1": 0}, {"1": -1, "2": 2}, {"one": 1}, {"": 3}])
def test_traffic_that_cannot_be(traffic: dict[str, int]) -> None:
    with pytest.raises(WebserviceException, match="traffic"):
        check_traffic(traffic)


def endpoint(**changes: object) -> Endpoint:
    base = Endpoint(
        name="mnist",
        created_at=0,
        updated_at=0,
        version=1,
        settings=Settings(),
        latest=1,
        traffic={},
        wanted={1: 100},
        shadow=None,
        state="Transitioning",
        failure=None,
        port=None,
        deleted_at=None,
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # by name


def revision(number: int, stage: Stage = Stage.READY, failure: FailureView | None = None) -> Revision:
    return Revision("mnist", number, f"r{number}", 0, RevisionSpec((), "5" * 64, "score.py"), stage, failure)


def said(state: State = State.HEALTHY, serving: list[int] | None = None, **failed: Failure) -> Status:
    return Status(
        pid=1,
        started_at="",
        port=8001,
        state=state,
        serving=serving or [],
        revisions={number[1:]: RevisionStatus(State.FAILED, error) for number, error in failed.items()},
    )


def test_what_is_prepared_changes_nothing() -> None:
    settled = settle(endpoint(), [revision(1, Stage.PREPARING)], None)
    assert settled == Settled(endpoint())


def test_the_first_revision_arrives() -> None:
    settled = settle(endpoint(), [revision(1)], said(serving=[1]))
    assert settled == Settled(endpoint(traffic={1: 100}, wanted=None, state="Healthy", port=8001))


def test_the_next_one_arrives_and_the_last_one_is_kept() -> None:
    before = endpoint(latest=2, traffic={1: 100}, wanted={2: 100}, state="Healthy", port=8001)
    waits = settle(before, [revision(2), revision(1)], said(serving=[1]))
    assert waits == Settled(before)
    arrived = settle(before, [revision(2), revision(1)], said(serving=[2]))
    assert arrived.endpoint == replace(before, traffic={2: 100}, wanted=None)
    assert arrived.retired == (revision(1),)


def test_one_that_does_not_come_up_leaves_the_last_one_at_a_hundred() -> None:
    before = endpoint(latest=2, traffic={1: 100}, wanted={2: 100}, state="Healthy", port=8001)
    why = Failure("init() raised ValueError: no", "Traceback…", exit_code=1)
    settled = settle(before, [revision(2), revision(1)], said(serving=[1], r2=why))
    shown = FailureView(why.message, "Traceback…", 1)
    assert settled.endpoint == replace(before, wanted=None, failure=shown)
    assert settled.failed == ((revision(2), shown),)
    assert not settled.retired


def test_an_environment_that_cannot_be_built_fails_the_revision() -> None:
    why = FailureView("no such package")
    settled = settle(endpoint(), [revision(1, Stage.FAILED, why)], None)
    assert (settled.endpoint.wanted, settled.endpoint.failure) == (None, why)


def test_what_answered_is_unhealthy_without_a_front_and_healthy_again_with_one() -> None:
    before = endpoint(traffic={1: 100}, wanted=None, state="Healthy", port=8001)
    down = settle(before, [revision(1)], None).endpoint
    assert down == replace(before, state="Unhealthy")
    assert settle(down, [revision(1)], said(serving=[1])).endpoint == before


def test_what_cannot_be_looked_after_says_why_until_it_can() -> None:
    why = FailureView("The endpoint cannot be looked after: no space left on device")
    before = endpoint(traffic={1: 100}, wanted=None, state="Healthy", port=8001)
    down = settle(before, [revision(1)], None, why).endpoint
    assert (down.state, down.failure) == ("Unhealthy", why)
    assert settle(before, [revision(1)], said(serving=[1]), why).endpoint == before, "its front answers"
    assert settle(down, [revision(1)], said(serving=[1])).endpoint == before
    coming = settle(endpoint(), [revision(1)], None, why).endpoint
    assert (state_of(coming), coming.failure) == ("Transitioning", why)
    assert settle(coming, [revision(1)], said(serving=[1])).endpoint.failure is None


@pytest.mark.parametrize("state", [State.FAILED, State.UNHEALTHY, State.TRANSITIONING])
def test_a_front_that_does_not_answer_is_not_healthy(state: State) -> None:
    before = endpoint(traffic={1: 100}, wanted=None, state="Healthy", port=8001)
    now = settle(before, [revision(1)], said(state)).endpoint
    assert state_of(now) == "Unhealthy"
    assert settle(now, [revision(1)], said(serving=[1])).endpoint == before


def test_what_takes_long_is_looked_at_less_often() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    assert pace.until_next("mnist", 1) == pace.until_next("mnist", 1) == 0.02
    now = 2.0
    assert pace.until_next("mnist", 1) == 0.2
    now = 600.0
    assert pace.until_next("mnist", 1) == 0.5
    assert pace.until_next("mnist", 2) == 0.02
    assert pace.until_next("mnist", None) == LOOK


def test_so_many_are_kept_to_be_rolled_back_to() -> None:
    retired = [revision(number, Stage.RETIRED) for number in range(KEPT + 2, 0, -1)]
    newest = KEPT + 4
    before = endpoint(
        latest=newest, traffic={newest - 1: 100}, wanted={newest: 100}, state="Healthy", port=8001
    )
    settled = settle(before, [revision(newest), revision(newest - 1), *retired], said(serving=[newest]))
    assert [each.number for each in settled.forgotten] == [3, 2, 1]


def test_those_that_others_took_the_place_of_before_they_answered_are_forgotten_too() -> None:
    newest = KEPT + 10
    overtaken = [revision(number, Stage.PREPARING) for number in range(newest - 1, 0, -1)]
    before = endpoint(latest=newest, wanted={newest: 100})
    settled = settle(before, [revision(newest), *overtaken], said(serving=[newest]))
    assert len(settled.forgotten) == len(overtaken) - KEPT
    assert newest not in {each.number for each in settled.forgotten}
