"""What a script asks of its run gives what the handle outside gives."""

from __future__ import annotations

import json

import pytest

from faena import Model, Workspace
from faena.compute.gpus import gpu_ids
from tests.journeys.scripts import Project


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


def test_details_and_registering_are_as_outside(project: Project) -> None:
    run = project.run("""
        import json
        from faena import Run
        run = Run.get_context()
        details = run.get_details()
        json.dump([details["runId"], details["target"], details["status"]], open("outputs/details.json", "w"))
        open("outputs/m.bin", "w").write("model")
        run.register_model("m", "./outputs/m.bin", tags={"epochs": 3})
        try:
            run.register_model("a/b", "outputs/m.bin")
        except Exception as error:
            print("refused:", type(error).__name__, error)
    """)
    assert run.get_status() == "Completed", run.refresh().error
    with run.experiment.workspace.api.open_file(run.id, "outputs/details.json") as parts:
        assert json.loads(b"".join(parts)) == [run.id, project.cluster.name, "Running"]
    assert Model(project.workspace, "m").tags == {"epochs": "3"}
    assert run.refresh().notes == [], "a script that registers what it wrote is nothing to be told of"
    run.download_file("azureml-logs/70_driver_log.txt", project.folder / "log")
    assert "refused: UserErrorException 'a/b' cannot be a name" in (project.folder / "log").read_text()


def test_a_failure_that_is_reported_by_a_script_that_ends_well_is_told(project: Project) -> None:
    run = project.run("""
        from faena import Run
        run = Run.get_context()
        open("a.txt", "w").write("a")
        run.upload_file("./kept/a.txt", "./a.txt")
        run.download_file("./kept/a.txt", "again.txt")
        run.fail("no convergence", error_code="E7")
    """)
    assert run.get_status() == "Completed", run.refresh().error
    notes = {note.code: note.message for note in run.refresh().notes}
    assert notes["reported_failure"] == "The script called run.fail: E7: no convergence"
    assert "kept/a.txt" in run.get_file_names()
    assert run.register_model("m2", "./kept/a.txt").files == ["a.txt"]


@pytest.mark.skipif(bool(gpu_ids()), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_told(project: Project) -> None:
    run = project.run("print(1)", use_gpu=True)
    assert run.get_status() == "Completed"
    assert "has no GPU" in {note.code: note.message for note in run.refresh().notes}["no_gpu"]
    run.download_file("azureml-logs/70_driver_log.txt", project.folder / "log")
    first, second = (project.folder / "log").read_text().splitlines()
    assert first.startswith("faena: NO GPU. The run asked for one (use_gpu=True), and this machine has none")
    assert second == "1"


@pytest.mark.long
def test_event_files_in_logs_are_metrics_while_the_script_runs(project: Project) -> None:
    run = project.run("""
        import time
        from tensorboardX import SummaryWriter
        from faena import Run
        run = Run.get_context()
        writer = SummaryWriter("logs/train")
        for step in range(3):
            writer.add_scalar("loss", 1 / (step + 1), step)
        until = time.monotonic() + 60
        while "train/loss" not in run.get_metrics() and time.monotonic() < until:
            writer.flush()  # one alone may leave out what the writer's own thread has not written by then
            time.sleep(0.1)
        run.log("seen", "train/loss" in run.get_metrics())
        writer.add_scalar("loss", 0.0, 3)
        writer.close()
    """)
    assert run.get_status() == "Completed", run.refresh().error
    metrics = run.get_metrics()
    assert metrics["seen"] is True
    assert metrics["train/loss"] == pytest.approx([1, 0.5, 1 / 3, 0])
    assert run.refresh().notes == []
    assert any("tfevents" in name for name in run.get_file_names())
