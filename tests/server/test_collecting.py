"""A server looks for garbage among what stays seldom, and finds it all the same."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator

import pytest

from faena.server import collecting
from faena.server.collecting import Collecting
from tests.server.test_starting import Circle


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """What other tests of this process have stays frozen, what these made does not."""
    thresholds, turn = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(turn)
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def kept() -> tuple[Circle, weakref.ref[Circle]]:
    made = Circle()
    return made, weakref.ref(made)


def look(looking: Collecting, times: int) -> None:
    for _ in range(times):
        looking.look()


@pytest.mark.long
def test_python_itself_never_stops_to_look_at_all_there_is() -> None:
    Collecting()
    before = gc.get_stats()[2]["collections"]
    held = [[number] for number in range(300_000)]  # it would, and more than once
    assert gc.get_stats()[2]["collections"] == before
    assert len(held) == 300_000


@pytest.mark.long
def test_new_garbage_goes_at_the_next_look() -> None:
    looking = Collecting()
    made, seen = kept()
    del made
    looking.look()
    assert seen() is None


@pytest.mark.long
def test_garbage_of_what_had_stayed_goes_when_all_that_is_new_is_looked_at() -> None:
    looking = Collecting()
    made, seen = kept()
    looking.look()
    del made
    look(looking, collecting._DUE - 2)
    assert seen() is not None
    looking.look()
    assert seen() is None


@pytest.mark.long
def test_what_was_looked_at_and_dropped_later_goes_within_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "_WHOLE", 3 * collecting._DUE)
    looking = Collecting()
    made, seen = kept()
    look(looking, collecting._DUE)
    del made
    look(looking, 2 * collecting._DUE - 1)
    assert seen() is not None
    looking.look()
    assert seen() is None
