"""GPUs belong to one node at a time. The machine's GPUs are told by an nvidia-smi of the test's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faena import Workspace
from faena.compute.gpus import share
from faena.testing.waiting import until
from tests.journeys.scripts import Project

TWO_GPUS = """#!/bin/sh
case "$*" in
  *utilization*) printf '0, 10, 1000\\n1, 20, 2000\\n' ;;
  *) printf '0\\n1\\n' ;;
esac
"""


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(TWO_GPUS)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return Project(workspace, tmp_path / "source", max_nodes=2)


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


def test_a_run_that_wants_none_sees_none(project: Project) -> None:
    run = project.run("""
        import os, time
        from faena import Run
        Run.get_context().tag("gpu", os.environ["CUDA_VISIBLE_DEVICES"])
    """)
    assert run.get_tags()["gpu"] == ""


def test_its_use_is_sampled(project: Project) -> None:
    run = project.run("import time; time.sleep(1.3)", use_gpu=True, gpu="require")
    system = run.get_system_metrics()
    assert (system["gpu0_percent"], system["gpu0_memory_mb"]) == (10.0, 1000.0)
    assert "gpu1_percent" not in system


@pytest.mark.parametrize(
    ("gpus", "held", "max_nodes", "expected"),
    [
        (("0", "1", "2", "3"), set(), 2, ("0", "1")),
        (("0", "1", "2", "3"), {"0", "1"}, 2, ("2", "3")),
        (("0",), set(), 4, ("0",)),
        (("0",), {"0"}, 4, ()),
        ((), set(), 4, ()),
    ],
)
def test_a_node_gets_an_equal_part(
    gpus: tuple[str, ...], held: set[str], max_nodes: int, expected: tuple[str, ...]
) -> None:
    assert share(gpus, held, max_nodes) == expected
