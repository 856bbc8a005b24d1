"""Descriptions of a run: what arrives at the script, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from faena import Chainer, Estimator, Experiment, Workspace
from faena.kernel.errors import FaenaError, TrainingException, UserErrorException
from tests.journeys.scripts import Project

HOSTILE = ["; rm -rf /", "$(touch x)", "`id`", "a\nb", "--index-url", "", "ü 🚀", "'\"\\"]


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


def test_script_params_become_arguments_and_an_empty_text_a_flag() -> None:
    params = {"--epochs": 10, "--lr": 0.1, "--verbose": "", "--name": "x y"}
    estimator = Estimator(entry_script="t.py", compute_target="c", script_params=params)
    assert estimator.arguments == ["--epochs", "10", "--lr", "0.1", "--verbose", "--name", "x y"]


def test_arguments_arrive_as_they_are_and_pass_no_shell(project: Project) -> None:
    run = project.submit(
        "import sys, json; json.dump(sys.argv[1:], open('outputs/a.json', 'w'))", script_arguments=HOSTILE
    )
    run.wait_for_completion()
    parts = run.experiment.workspace.api.open_file(run.id, "outputs/a.json")

    with parts as found:
        assert json.loads(b"".join(found)) == HOSTILE


def test_who_gives_no_target_is_told_one() -> None:
    said = (
        r'^Either compute target or VM size should be specified\. compute_target="local" is this machine\.$'
    )
    with pytest.raises(TrainingException, match=said):
        Estimator(entry_script="t.py")


@pytest.mark.parametrize("given", ["train.py", None, {"script": "train.py"}, Estimator])
@pytest.mark.parametrize("overrides", [{}, {"inputs": []}])
def test_what_is_no_description_is_refused_naming_those_that_are(
    workspace: Workspace, given: Any, overrides: dict[str, Any]
) -> None:
    with pytest.raises(
        UserErrorException, match=r"cannot submit .*ScriptRunConfig.*Estimator or a HyperDriveConfig"
    ):
        Experiment(workspace, "refused").submit(given, **overrides)


def test_a_run_that_starts_here_has_its_display_name_and_what_has_no_effect_is_told_once(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = Experiment(workspace, "display-names")
    for _ in range(2):
        given: dict[str, Any] = {"display_name": "dn", "colour": "red"}
        with experiment.start_logging(snapshot_directory=None, outputs=None, **given) as run:
            assert run.display_name == "dn"
    assert capsys.readouterr().err == "faena: start_logging has no parameter colour: it has no effect.\n"
    with experiment.start_logging("n", snapshot_directory=None, outputs=None) as run:
        assert run.display_name == "n"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"node_count": 0}, "node_count"),
        ({"node_count": -1}, "node_count"),
        ({"pip_packages": "numpy"}, "pip_packages"),
        ({"gpu": "yes"}, "gpu"),
        ({"max_run_duration_seconds": float("nan")}, "max_run_duration_seconds is nan"),
        ({"max_run_duration_seconds": float("inf")}, "max_run_duration_seconds is inf"),
        ({"framework_version": "5.1.0"}, "framework"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(options: dict[str, Any], named: str) -> None:
    with pytest.raises((TrainingException, UserErrorException), match=named):
        Estimator(entry_script="t.py", compute_target="c", **options)


@pytest.mark.few(5)
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"max_run_duration_seconds": 0}, "max_run_duration_seconds"),
        ({"max_run_duration_seconds": -1}, "max_run_duration_seconds"),
        ({"environment_variables": {"A=B": "x"}}, "A=B"),
        ({"environment_variables": {"A": "x\0"}}, "NUL"),
        ({"script_arguments": ["a\0b"]}, "NUL"),
        ({"interpreter": "/nowhere/python"}, "/nowhere/python"),
        ({"interpreter": "python"}, "python"),
        ({"pip_packages": ["numpy\nevil"]}, "numpy"),
        ({"pip_packages": ["-e ."]}, "-e"),
        ({"pip_packages": ["--index-url=x"]}, "'x' is not an index"),
        ({"pip_packages": ["numpy && x"]}, "numpy"),
        ({"pip_packages": ["$(id)"]}, "id"),
    ],
)
def test_what_the_server_refuses_is_named_and_there_is_no_run(
    project: Project,
    options: dict[str, Any],
    named: str,
) -> None:
    before = [run.id for run in project.workspace.api.runs()]
    with pytest.raises(FaenaError, match=named):
        project.submit("print(1)", **options)
    assert [run.id for run in project.workspace.api.runs()] == before


@pytest.mark.parametrize("script", ["../x.py", "/etc/passwd", "nope.py", ".", "", "train.py\0"])
def test_an_entry_script_outside_the_source_is_refused(project: Project, script: str) -> None:
    (project.folder / "train.py").write_text("print(1)")
    estimator = Estimator(project.folder, entry_script=script, compute_target=project.cluster)
    with pytest.raises(FaenaError, match="entry script"):
        Experiment(project.workspace, "outside").submit(estimator)
    assert "outside" not in [row.experiment for row in project.workspace.api.runs()]


def test_a_version_of_chainer_that_cannot_be_had_names_those_that_can(project: Project) -> None:
    (project.folder / "train.py").write_text("print(1)")
    estimator = Chainer(
        project.folder, entry_script="train.py", compute_target=project.cluster, framework_version="4.0.0"
    )
    with pytest.raises(FaenaError, match=r"5\.1\.0"):
        Experiment(project.workspace, "exp").submit(estimator)


def test_the_entry_script_may_be_said_later(project: Project) -> None:
    (project.folder / "train.py").write_text("print()")
    estimator = Chainer(project.folder, compute_target=project.cluster)
    assert estimator.run_config.environment.framework == "chainer"
    with pytest.raises(TrainingException, match="needs entry_script"):
        Experiment(project.workspace, "e").submit(estimator)


def test_resuming_is_refused_rather_than_begun_afresh() -> None:
    with pytest.raises(TrainingException, match="would start afresh"):
        Estimator(entry_script="t.py", compute_target="c", resume_from="model")


def test_a_framework_says_its_versions() -> None:
    assert Chainer.get_supported_versions()[0] == "5.1.0"
