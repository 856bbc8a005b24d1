"""What happens to runs on other hosts, with leases of a few seconds; `python -m tests.hosts` has the true ones.

What the server and the guard do then is tried each time by tests/runs/test_elsewhere.py and tests/node/test_fence.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hosts import stories
from tests.hosts.ground import Lease
from tests.hosts.trials import HEAD, Story, tried

_PATIENT = Lease(beat=0.3, quiet=1.5)
_SHORT = Lease(beat=0.3, quiet=1.5, fence=5.0, lost=11.0)
"""With seconds between the end of a script and the loss of its node: others have the cores, too."""
_OTHERS = {story.name: story for story in (*stories.of_phases(_SHORT), *stories.of_processes(_SHORT))}
_IN_SHORT = ("runner stopped",)


def _shown_clean(story: Story, folder: Path, lease: Lease) -> None:
    found = tried(story, folder, lease)
    print(f"{HEAD}\n{found}")
    assert found.is_clean, f"{found.wrong}\n{HEAD}\n{found}"


@pytest.mark.long
def test_a_run_whose_link_is_cut_says_so_and_goes_on(tmp_path: Path) -> None:
    _shown_clean(stories.cut(8.0, "from", _PATIENT), tmp_path, _PATIENT)


@pytest.mark.long
def test_one_whose_link_is_cut_for_long_goes_on_elsewhere(tmp_path: Path) -> None:
    _shown_clean(stories.cut(13.0, "both", _SHORT), tmp_path, _SHORT)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(each, marks=pytest.mark.long if each in _IN_SHORT else pytest.mark.campaign)
        for each in _OTHERS
    ],
)
def test_one_to_which_something_else_happens_goes_on(name: str, tmp_path: Path) -> None:
    _shown_clean(_OTHERS[name], tmp_path, _SHORT)
