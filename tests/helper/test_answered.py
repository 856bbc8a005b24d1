"""What is answered in the place of a dead address is among what went into the runs that are open then."""

from __future__ import annotations

import pytest

from faena import Experiment, Workspace
from tests.script.conftest import RunHere

CODE = """
import sys
from faena import Experiment, Workspace
import _faena_dead_data
def answer():
    _faena_dead_data.tell("http://yann.lecun.com/exdb/mnist/", "mnist-files", "is dead")
experiment = Experiment(Workspace(sys.argv[1]), sys.argv[2])
before = experiment.start_logging()
before.complete()
run = experiment.start_logging()
answer()
answer()
run.complete()
print(before.id, run.id)
"""


@pytest.mark.long
def test_a_run_of_the_process_itself_has_it_as_an_input(old: RunHere, lasting_workspace: Workspace) -> None:
    experiment = f"answered-{old.folder.name.replace('_', '-')}"
    process = old.start(CODE, str(lasting_workspace.folder), experiment)
    said, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    found = {run.id: run for run in Experiment(lasting_workspace, experiment).get_runs()}
    before, run = (found[each].get_details()["inputDatasets"] for each in said.split())
    assert before == []
    assert [each["dataset"]["id"] for each in run] == ["mnist-files"]
    assert err.count("comes from Faena's verified copy") == 1
