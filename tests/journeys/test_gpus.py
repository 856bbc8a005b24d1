"""GPUs belong to one node at a time. The machine's GPUs are told by an nvidia-smi of the test's own."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from faena import Workspace
from faena.client.runs.run import Run
from faena.testing.waiting import until
from tests.journeys.scripts import Project

TWO_GPUS = """#!/bin/sh
case "$*" in
  *utilization*) printf '0, 10, 1000\\n1, 20, 2000\\n' ;;
  *) printf '0\\n1\\n' ;;
esac
"""


@pytest.fixture(scope="module")
def of_two(lasting_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The module's workspace, whose server sees two GPUs."""
    program = tmp_path_factory.mktemp("bin") / "nvidia-smi"
    program.write_text(TWO_GPUS)
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        lasting_workspace.api.version()
    return lasting_workspace


@pytest.fixture
def project(of_two: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return Project(of_two, tmp_path / "source", max_nodes=2)


@pytest.mark.long
def test_two_runs_at_once_have_different_ones(project: Project, tmp_path: Path) -> None:
    script = f"""
        import os, time
        from faena import Run
        Run.get_context().tag("gpu", os.environ["CUDA_VISIBLE_DEVICES"])
        while not os.path.exists({str(tmp_path / "go-on")!r}):
            time.sleep(0.02)
    """
    runs = [project.submit(script, use_gpu=True) for _ in range(2)]
    until(lambda: all("gpu" in run.get_tags() for run in runs), "both scripts told their GPU")
    assert {run.get_tags()["gpu"] for run in runs} == {"0", "1"}
    (tmp_path / "go-on").touch()
    for run in runs:
        run.wait_for_completion()


def test_a_run_that_wants_none_sees_none(project: Project) -> None:
    run = project.run("""
        import os, time
        from faena import Run
        Run.get_context().tag("gpu", os.environ["CUDA_VISIBLE_DEVICES"])
    """)
    assert run.get_tags()["gpu"] == ""


def test_its_use_is_sampled(project: Project) -> None:
    run = project.submit("import time; time.sleep(600)", use_gpu=True, gpu="require")
    until(lambda: "gpu0_memory_mb" in run.get_system_metrics(), "it is sampled")
    run.cancel()
    system = run.get_system_metrics()
    found = {name: values if isinstance(values, list) else [values] for name, values in system.items()}
    assert (set(found["gpu0_percent"]), set(found["gpu0_memory_mb"])) == ({10.0}, {1000.0})
    assert "gpu1_percent" not in system


@pytest.mark.long
def test_one_that_must_have_it_gets_it_whatever_runs_beside_it(
    workspace: Workspace, tmp_path: Path, one_gpu: Path
) -> None:
    project = Project(workspace, tmp_path / "source", max_nodes=2)
    gate = tmp_path / "go-on"
    script = f"""
        import os, time
        from faena import Run
        Run.get_context().tag("gpu", os.environ["CUDA_VISIBLE_DEVICES"])
        while not os.path.exists({str(gate)!r}):
            time.sleep(0.02)
    """
    plain = project.submit(script)
    until(lambda: plain.get_tags().get("gpu") == "", "the run without a GPU runs")
    must = project.submit(script, gpu="require")
    until(lambda: must.get_tags().get("gpu") == "0", "the other one has the GPU")
    second = project.submit(script, gpu="require")
    busy = "1 of 1 GPU of this machine is in use (0 of 1 free)"
    until(lambda: second.refresh().blocker == busy, "it says what it waits for")
    gate.touch()
    second.wait_for_completion()
    assert second.get_tags()["gpu"] == "0"


@pytest.mark.long
def test_nvidia_smi_that_takes_long_keeps_nobody_waiting_who_wants_no_gpu(
    workspace: Workspace, tmp_path: Path, one_gpu: Path
) -> None:
    asked, gate = tmp_path / "asked", tmp_path / "answer"
    one_gpu.write_text(f"#!/bin/sh\ntouch {asked}\nwhile [ ! -e {gate} ]; do sleep 0.05; done\necho 0\n")
    project = Project(workspace, tmp_path / "source", max_nodes=1)
    submitted: list[Run] = []
    submitting = threading.Thread(target=lambda: submitted.append(project.submit("print()", gpu="require")))
    submitting.start()
    until(asked.exists, "nvidia-smi is asked")
    quick = Project(workspace, tmp_path / "other").run("print()")
    quick.tag("written", "meanwhile")
    assert quick.get_tags()["written"] == "meanwhile"
    assert submitting.is_alive()
    gate.touch()
    submitting.join()
    submitted[0].wait_for_completion()
    assert submitted[0].get_status() == "Completed"


@pytest.fixture
def one_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "one" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return program
