"""What a run's script logs with MLflow is the run's own."""

from __future__ import annotations

import pytest

from faena import Workspace
from tests.journeys.data import driver_log
from tests.journeys.scripts import Project


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


@pytest.mark.long
def test_a_script_is_given_a_token_that_its_log_does_not_tell(project: Project) -> None:
    """By the protocol alone, as its runner, its server and its gateway speak it."""
    run = project.run("""
        import json, os, urllib.error, urllib.request
        from faena.script.rpc import RunnerClient

        def post(path, **fields):
            headers = {"Content-Type": "application/json", "Authorization": "Bearer " + found["token"]}
            address = found["url"] + "/api/2.0/mlflow/" + path
            return urllib.request.urlopen(urllib.request.Request(address, json.dumps(fields).encode(), headers))

        found = RunnerClient(os.environ["FAENA_SOCKET"]).call("open_mlflow", {}, 60)
        post("runs/log-metric", run_id=os.environ["FAENA_RUN_ID"], key="loss", value=0.5, timestamp=1)
        post("runs/create", run_name="left open")
        print(found["token"], "is what it was given")
    """)
    assert run.get_status() == "Completed", run.refresh().error
    assert run.get_metrics() == {"loss": 0.5}
    token, said = driver_log(run).strip().split(" ", 1)
    assert (set(token), said) == ({"*"}, "is what it was given")
    [below] = run.get_children()
    assert (below.display_name, below.get_status()) == ("left open", "Completed")


SCRIPT = """
    import os
    import mlflow
    mlflow.set_experiment("whatever")
    mlflow.log_metric("loss", 0.5, step=1)
    with mlflow.start_run(nested=True, run_name="inner"):
        mlflow.log_param("depth", 1)
    mlflow.log_text("hello", "notes/a.txt")
    mlflow.end_run("FAILED")
    mlflow.log_metric("after", 1.0)
    mlflow.end_run()
    with mlflow.start_run(run_name="second"):
        mlflow.log_metric("loss", 2.0)
"""


@pytest.mark.campaign
@pytest.mark.parametrize("version", ["3.17.2", "2.22.5"])
def test_the_client_itself(project: Project, version: str) -> None:
    run = project.run(SCRIPT, pip_packages=[f"mlflow-skinny=={version}"], experiment="of the run")
    assert run.get_status() == "Completed", run.refresh().error
    assert run.get_metrics() == {"loss": 0.5, "after": 1.0}
    assert "notes/a.txt" in run.get_file_names()
    below = {child.display_name: child for child in run.get_children()}
    assert {name: child.get_status() for name, child in below.items()} == {
        "inner": "Completed",
        "second": "Completed",
    }
    assert {child.experiment.name for child in below.values()} == {"of the run"}


TRACED = """
    import os
    import mlflow

    @mlflow.trace
    def answer(question):
        return shout(question) + "!"

    @mlflow.trace(span_type="TOOL")
    def shout(text):
        return text.upper()

    answer("hi")
    if hasattr(mlflow, "flush_trace_async_logging"):
        mlflow.flush_trace_async_logging()
    client = mlflow.MlflowClient()
    found = client.search_traces(experiment_ids=[os.environ["MLFLOW_EXPERIMENT_ID"]])
    mlflow.log_metric("traces", len(found))
    mlflow.log_metric("spans", len(found[0].data.spans))
    print("answered", found[0].data.response)
"""


@pytest.mark.campaign
@pytest.mark.parametrize("version", ["3.17.2", "2.22.5"])
def test_traces_of_a_script_are_its_runs(project: Project, version: str) -> None:
    """With 2.22.5 the newest OpenTelemetry would lose them, without a word."""
    run = project.run(TRACED, pip_packages=[f"mlflow-skinny=={version}"], experiment="traced in a run")
    assert run.get_status() == "Completed", run.refresh().error
    assert run.get_metrics() == {"traces": 1.0, "spans": 2.0}
    assert 'answered "HI!"' in driver_log(run)
