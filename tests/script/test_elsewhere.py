"""What a script is told that runs on another machine than its workspace."""

from __future__ import annotations

import pytest

from faena.script.errors import RunEnvironmentException
from faena.script.handles import Experiment


def test_its_workspace_cannot_be_opened_and_what_can_be_done_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAENA_WORKSPACE_FOLDER", "")
    experiment = Experiment("far")
    assert experiment.name == "far"
    with pytest.raises(RunEnvironmentException, match="another machine than its workspace"):
        print(experiment.workspace)
    with pytest.raises(RunEnvironmentException, match=r"Workspace\.connect"):
        experiment.submit("x")
