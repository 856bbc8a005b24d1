"""Whatever is sent to a route, by whomever: no answer is a defect, and none that is not described. The short form."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Iterator

import pytest

from tests.any_input import mlflow
from tests.any_input.campaign import Campaign
from tests.any_input.ground import Ground, ground

SHARE = 0.3
"""Of all routes, by chance; `make faults` asks all, for longer."""
MOST_S = 120


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("any-input")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAENA_HOME", str(folder / "home"))  # what is pruned is nobody's
        (folder / "team").mkdir()
        with ground(folder / "team") as found:
            yield found


@pytest.mark.long
def test_no_input_is_a_defect(filled: Ground) -> None:
    number = secrets.randbits(32)
    campaign = Campaign(filled, random.Random(number), examples=1)
    covered = campaign.run(time.monotonic() + MOST_S, most_rounds=1, share=SHARE)
    mlflow.ask_all(filled, covered, random.Random(number), time.monotonic() + MOST_S, most_rounds=1)
    assert len(campaign.operations) > 200
    assert len(covered.answers) > 50
    assert covered.defects == {}, f"python -m tests.any_input --seed {number} asks alike"
