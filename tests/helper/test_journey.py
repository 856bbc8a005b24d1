"""v1's names in interpreters that are too old for Faena's handles, or lack what those need."""

from __future__ import annotations

from faena import Workspace
from tests.script.conftest import RunHere

JOURNEY = """
import inspect, os, sys
from azureml.core import Experiment, Run, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException
from azureml.exceptions import AzureMLException, UserErrorException
from azureml.train.hyperdrive import PrimaryMetricGoal, choice

ws = Workspace.of_folder(os.path.join(sys.argv[1], ".faena"))
assert isinstance(ws, Workspace) and ws.name == "test" and "test" in repr(ws)
experiment = Experiment(workspace=ws, name="journey-%d-%d" % sys.version_info[:2])
with experiment.start_logging(snapshot_directory=None) as run:
    assert isinstance(run, Run) and not isinstance(experiment, Run)
    run.log("loss", 1)
    run.log("loss", 0.5)
    run.tag("python", "%d.%d" % sys.version_info[:2])
assert run.get_metrics() == {"loss": [1, 0.5]} and run.get_status() == "Completed"
assert [each.id for each in experiment.get_runs()] == [run.id]

for wrong, kind in (
    (lambda: ComputeTarget(workspace=ws, name="nothing"), ComputeTargetException),
    (lambda: Workspace.create("no/name"), UserErrorException),
):
    try:
        wrong()
    except AzureMLException as error:
        assert type(error) is kind and error.message, error
        assert error.__cause__ is None and "faena" in error.remote_traceback
    else:
        raise AssertionError(kind)
try:
    import azureml.pipeline
except ImportError as error:
    assert "not covered" in str(error)

target = ComputeTarget.create(ws, "cpu", AmlCompute.provisioning_configuration(vm_size="S", max_nodes=2))
target.wait_for_completion(show_output=True)
assert type(target) is AmlCompute and list(ws.compute_targets) == ["cpu"]
assert "max_nodes" in inspect.signature(AmlCompute.provisioning_configuration).parameters
assert "wait_for_completion" in dir(target) and "nodes" in AmlCompute.__doc__
assert PrimaryMetricGoal.MAXIMIZE is PrimaryMetricGoal.MAXIMIZE != PrimaryMetricGoal.MINIMIZE
assert len(list(PrimaryMetricGoal)) == 2 and callable(choice)
"""


def test_the_names_of_v1(old: RunHere, lasting_workspace: Workspace) -> None:
    out, err = old.run(JOURNEY, str(lasting_workspace.folder))
    assert "AmlCompute wait for completion finished" in out
    [run] = lasting_workspace.find_runs(f"tags.python = '{_version(old)}'")
    assert run.get_metrics() == {"loss": [1, 0.5]}
    assert err == ""


def _version(of: RunHere) -> str:
    out, _ = of.run("import sys; print('%d.%d' % sys.version_info[:2])")
    return out.strip()
