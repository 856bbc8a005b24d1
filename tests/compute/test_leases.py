"""Nodes on other machines live as long as something is heard of them."""

from __future__ import annotations

import pytest

from faena.compute.leases import Leases, Terms
from faena.kernel.errors import UserErrorException
from faena.testing.clock import ManualClock

TERMS = Terms(beat=2.0, quiet=5.0, fence=50.0, lost=60.0)


def look_on(leases: Leases, clock: ManualClock, seconds: int) -> None:
    """As the server does, each second."""
    for _ in range(seconds):
        clock.advance(1.0)
        leases.alive()


def test_a_node_is_quiet_five_seconds_after_a_beat_was_due_and_lost_after_a_minute() -> None:
    clock = ManualClock()
    leases = Leases(TERMS, clock.monotonic)
    leases.hear("n")
    look_on(leases, clock, 7)
    assert (leases.alive(), leases.quiet()) == ({"n"}, set())
    look_on(leases, clock, 1)
    assert (leases.alive(), leases.quiet()) == ({"n"}, {"n"})
    look_on(leases, clock, 51)
    assert leases.alive() == {"n"}
    look_on(leases, clock, 1)
    assert leases.alive() == set()
    leases.hear("n")
    assert (leases.alive(), leases.quiet()) == ({"n"}, set())


def test_nothing_is_heard_of_anybody_from_the_moment_in_which_nobody_listens() -> None:
    clock = ManualClock()
    leases = Leases(TERMS, clock.monotonic)
    leases.hear("n")
    leases.shut_ears()
    assert (leases.alive(), leases.quiet()) == ({"n"}, {"n"})
    leases.open_ears()
    assert leases.quiet() == set()


def test_a_server_that_stood_still_holds_it_against_nobody() -> None:
    clock = ManualClock()
    leases = Leases(TERMS, clock.monotonic)
    leases.hear("n")
    look_on(leases, clock, 3)
    clock.advance(3600.0)
    assert (leases.alive(), leases.quiet()) == ({"n"}, set())
    look_on(leases, clock, 5)
    assert leases.quiet() == {"n"}, "the three seconds before still count"


def test_a_clock_that_is_set_changes_no_term() -> None:
    clock = ManualClock()
    leases = Leases(TERMS, clock.monotonic)
    leases.hear("n")
    clock.set_back(3600.0)
    look_on(leases, clock, 4)
    assert leases.quiet() == set()


def test_one_that_is_forgotten_is_unknown() -> None:
    clock = ManualClock()
    leases = Leases(TERMS, clock.monotonic)
    leases.hear("n")
    leases.forget("n")
    assert not leases.is_known("n")
    assert leases.alive() == set()


def test_the_more_nodes_there_are_the_longer_between_their_beats() -> None:
    beats = {number: TERMS.among(number).beat for number in (1, 400, 1_000, 10_000)}
    assert beats == {1: 2.0, 400: 2.0, 1_000: 5.0, 10_000: 10.0}
    assert Terms(0.2, 0.5, 3.0, 4.0).among(10_000).beat == pytest.approx(0.6), (
        "five in the time until it stops"
    )


def test_a_node_is_quiet_by_the_terms_that_it_was_told() -> None:
    clock = ManualClock()
    leases = Leases(TERMS, clock.monotonic)
    for number in range(1_000):
        leases.hear(f"n{number}")
    leases.hear("n0")
    assert leases.terms.beat == 5.0
    look_on(leases, clock, 10)
    assert "n0" not in leases.quiet(), "its beat was due 6 s after the last one at most"
    for number in range(1, 1_000):
        leases.forget(f"n{number}")
    assert leases.terms.beat == 2.0
    assert leases.quiet() == set(), "it has not been told yet"
    look_on(leases, clock, 1)
    assert leases.quiet() == {"n0"}


def test_those_whose_lease_has_ended_are_named() -> None:
    clock = ManualClock()
    leases = Leases(TERMS, clock.monotonic)
    leases.hear("gone")
    look_on(leases, clock, 30)
    leases.hear("there")
    look_on(leases, clock, 30)
    assert leases.lost() == ["gone"]
    assert ("gone" in leases, "there" in leases, "nobody" in leases) == (False, True, False)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("2;5;50;60", "not up to four numbers"),
        ("2,5,50,60,70", "not up to four numbers"),
        ("2,5,50,52", r"the fourth \(52\) is to be more than 55"),
        ("2,5,nan,60", "more than 0 and less than 86400"),
        ("0,5,50,60", "more than 0"),
        ("30,5,50,60", r"the third \(50\) is to be at least twice the first \(30\)"),
    ],
)
def test_terms_that_cannot_be_are_refused_with_the_rule(
    given: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAENA_NODE_LEASE", given)
    with pytest.raises(UserErrorException, match=said):
        Terms.of_environment()


def test_terms_are_those_that_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAENA_NODE_LEASE", "1, 2, 10, 20")
    assert Terms.of_environment() == Terms(1, 2, 10, 20)
    monkeypatch.setenv("FAENA_NODE_LEASE", "")
    assert Terms.of_environment() == Terms()
