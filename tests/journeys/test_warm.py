"""Runs that are asked for warm."""

from __future__ import annotations

import pytest

from faena import Workspace
from tests.journeys.scripts import Project

SAY = """
    import sys
    from faena import Run
    run = Run.get_context()
    run.tag("loaded", str("colorsys" in sys.modules))
    run.log("loss", 0.5)
    import colorsys
    sys.exit(3)
"""


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


@pytest.mark.long
def test_the_next_run_finds_loaded_what_the_first_has_loaded(project: Project) -> None:
    runs = [project.run(SAY, warm=True) for _ in range(2)]
    for run, loaded in zip(runs, ("False", "True"), strict=True):
        assert run.get_tags()["loaded"] == loaded
        assert run.get_metrics() == {"loss": 0.5}
        error = run.refresh().error
        assert error is not None and error.exit_code == 3
        assert run.refresh().notes == []


def test_what_cannot_be_started_warm_says_why(project: Project) -> None:
    project.run(SAY, warm=True)  # has it loaded for those that come
    (project.folder / "colorsys.py").write_text("own = True")
    run = project.run("import colorsys\nassert colorsys.own\n", warm=True)
    assert run.get_status() == "Completed"
    notes = {note.code: note.message for note in run.refresh().notes}
    assert "colorsys" in notes["started_cold"]


@pytest.mark.long
def test_a_variable_that_is_set_too_late_is_told(project: Project) -> None:
    script = "import os\nos.environ['OPENBLAS_NUM_THREADS'] = '1234'\nimport numpy\n"
    runs = [project.run(script, warm=True) for _ in range(2)]
    assert [[note.code for note in run.refresh().notes] for run in runs] == [[], ["set_too_late"]]


def test_runs_are_not_started_warm_unless_asked(project: Project) -> None:
    project.run(SAY, warm=True)
    assert project.run(SAY).get_tags()["loaded"] == "False"
