"""Control groups of scripts, where this user may make some."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.node import cgroups


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found ahead is known to this test alone."""
    monkeypatch.setattr(cgroups, "_ahead", [])
    cgroups.look_ahead()


@pytest.fixture
def group() -> Iterator[Path]:
    made = cgroups.create(f"faena-test-{os.getpid()}")
    if made is None:
        pytest.skip("this user may not make a control group")
    yield made
    cgroups.remove(made)


@pytest.mark.usefixtures("ahead")
def test_who_looked_ahead_makes_the_same_and_knows_its_count(group: Path) -> None:
    known = cgroups._ahead.copy()
    assert cgroups.oom_kills_at_first(group) == cgroups.oom_kills(group)
    cgroups._ahead.clear()
    assert cgroups._own_group() == group.parent
    assert cgroups.oom_kills_at_first(group) == cgroups.oom_kills(group)
    cgroups._ahead[:] = known


@pytest.mark.usefixtures("ahead")
def test_where_that_group_is_gone_it_is_made_where_this_process_is(group: Path) -> None:
    cgroups._ahead[:] = [(group / "gone", True)]
    made = cgroups.create("faena-test-moved")
    assert made is not None
    try:
        assert made.parent == group.parent
        assert cgroups.oom_kills_at_first(made) == cgroups.oom_kills(made)
    finally:
        cgroups.remove(made)


@pytest.mark.usefixtures("ahead")
def test_where_there_is_none_the_machine_is_asked() -> None:
    assert cgroups.oom_kills_at_first(None) == cgroups.oom_kills(None)
