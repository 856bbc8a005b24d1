"""What a process loads before it does anything: what it asks for, and not what few of its kind use."""

from __future__ import annotations

import subprocess
import sys

import pytest

FOR_FEW_SCRIPTS = {
    "concurrent.futures",
    "faena.client.compute.cluster",
    "faena.client.data.dataset",
    "faena.client.environments.environment",
    "faena.client.submission.script_run_config",
    "faena.data.snapshots",
    "numpy",
    "subprocess",
    "tomllib",
    "urllib3",
}
FOR_FEW_SERVERS = {"jinja2", "numpy", "sqlalchemy.dialects.postgresql", "urllib3"}


@pytest.mark.parametrize("home", ["faena", "azureml.core"])
def test_names_load_no_others(home: str) -> None:
    assert not FOR_FEW_SCRIPTS & loaded_by(f"from {home} import Workspace, Experiment, Run")


def test_a_server_starts_with_what_each_one_needs() -> None:
    assert not FOR_FEW_SERVERS & loaded_by("import faena.server.application")


def test_a_node_whose_scripts_succeed_needs_no_advice() -> None:
    assert not {"faena.node.hints", "urllib3"} & loaded_by("import faena.node.work")


def loaded_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stdout.split())
