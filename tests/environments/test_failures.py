"""What is remembered of a build that failed, and by whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.environments import failures
from faena.kernel.errors import EnvironmentBuildException


def test_what_another_version_of_the_program_said_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "one.failed.json"
    failures.remember(kept, EnvironmentBuildException("It cannot be had."))
    asked = failures.now() + 1
    with pytest.raises(EnvironmentBuildException, match="remembered answer"):
        failures.recall(kept, asked, retry=False)
    monkeypatch.setattr(failures, "_program", lambda: "another")
    failures.recall(kept, asked, retry=False)
    kept.write_text('{"message": "Old words.", "at": 1, "passing": false}')  # of a version that did not say
    failures.recall(kept, asked, retry=False)
