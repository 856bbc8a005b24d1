"""Arguments of a wrong type are refused with the field and the value that was given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from faena import Chainer, Cluster, Estimator, Experiment, Workspace
from faena.kernel.errors import FaenaError


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_nodes", 1.5),
        ("max_nodes", None),
        ("max_nodes", "2"),
        ("max_nodes", True),
        ("min_nodes", "none"),
        ("idle_seconds_before_scaledown", float("nan")),
        ("idle_seconds_before_scaledown", float("inf")),
        ("cores_per_node", 2.0),
        ("cores_per_node", 10**6),
        ("cores_per_node", 10**30),
    ],
)
def test_a_cluster_is_refused_by_field(workspace: Workspace, field: str, value: Any) -> None:
    with pytest.raises(FaenaError, match=field) as refused:
        Cluster.create(workspace, "c", **{field: value})
    assert str(value)[:60] in refused.value.message
    assert Cluster.list(workspace) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("node_count", 1.5),
        ("node_count", True),
        ("node_count", "2"),
        ("max_run_duration_seconds", True),
        ("max_run_duration_seconds", "5"),
        ("max_run_duration_seconds", 1e308),
        ("max_run_duration_seconds", float("nan")),
        ("pip_packages", [3]),
        ("pip_packages", 3),
        ("pip_packages", {"numpy": 1}),
        ("conda_packages", [None]),
        ("script_params", ["--epochs", 3]),
        ("script_arguments", "--epochs 3"),
        ("environment_variables", ["A=1"]),
    ],
)
def test_a_run_is_refused_by_field(workspace: Workspace, tmp_path: Path, field: str, value: Any) -> None:
    (tmp_path / "train.py").write_text("print(1)")
    Cluster.create(workspace, "c", max_nodes=1)
    with pytest.raises(FaenaError, match=field):
        Experiment(workspace, "e").submit(
            Estimator(tmp_path, entry_script="train.py", compute_target="c", **{field: value})
        )
    assert workspace.api.runs() == []


def test_a_version_with_a_line_break_is_none(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print(1)")
    Cluster.create(workspace, "c", max_nodes=1)
    with pytest.raises(FaenaError, match=r"'5\.1\.0\\n' is not a version"):
        Experiment(workspace, "e").submit(
            Chainer(tmp_path, entry_script="train.py", compute_target="c", framework_version="5.1.0\n")
        )
