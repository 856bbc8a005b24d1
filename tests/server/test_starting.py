"""What a server makes as it starts is not collected; what it makes later is."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from faena.server.starting import uncollected


class Circle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """This process goes on with other tests: what they have stays frozen, what these made does not."""
    yield
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def dropped() -> weakref.ref[Circle]:
    return weakref.ref(Circle())


def test_garbage_of_the_start_stays_and_later_garbage_goes() -> None:
    with uncollected():
        assert not gc.isenabled()
        early = dropped()
    late = dropped()
    gc.collect()
    assert gc.isenabled()
    assert early() is not None
    assert late() is None


@pytest.mark.long
def test_a_start_that_fails_leaves_the_collector_on() -> None:
    with pytest.raises(ImportError), uncollected():
        raise ImportError("a module is missing")
    assert gc.isenabled()
