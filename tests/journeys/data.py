"""Submitting scripts with data, for the journeys."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from faena import Estimator, Experiment
from faena.client.runs.run import Run
from tests.journeys.scripts import Project


def submit(
    project: Project, script: str, arguments: Sequence[Any], inputs: Sequence[Any] = (), **more: Any
) -> Run:
    """Submit `script` with data among its arguments, and with data that is no argument."""
    (project.folder / "train.py").write_text(textwrap.dedent(script))
    found = [each for each in [*arguments, *inputs] if hasattr(each, "data_input")]
    estimator = Estimator(
        project.folder,
        entry_script="train.py",
        compute_target=project.cluster,
        interpreter=sys.executable,
        script_arguments=[str(argument) for argument in arguments],
        inputs=found,
        **more,
    )
    return Experiment(project.workspace, "data").submit(estimator)


def run(project: Project, script: str, arguments: Sequence[Any], inputs: Sequence[Any] = ()) -> Run:
    """Submit and wait, whatever the end."""
    submitted = submit(project, script, arguments, inputs)
    submitted.wait_for_completion(raise_on_error=False)
    return submitted


def driver_log(run: Run) -> str:
    """What the script has printed so far."""
    if "azureml-logs/70_driver_log.txt" not in run.get_file_names():
        return ""
    with run.experiment.workspace.api.open_file(run.id, "azureml-logs/70_driver_log.txt") as parts:
        return b"".join(parts).decode()
