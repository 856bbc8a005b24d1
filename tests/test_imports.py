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
_RAY_ROOMS = ("faena.compute.backends.ray.routes", "faena.compute.backends.ray.jobs")
_NO_RAY = """
import os, sys
class NoRay:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "ray":
            os.write(2, b"somebody imports ray")
            os._exit(1)
sys.meta_path.insert(0, NoRay())
import {}, {}, {}
"""


@pytest.mark.parametrize("home", ["faena", "azureml.core"])
def test_names_load_no_others(home: str) -> None:
    assert not FOR_FEW_SCRIPTS & loaded_by(f"from {home} import Workspace, Experiment, Run")


@pytest.mark.long
def test_a_server_starts_with_what_each_one_needs() -> None:
    assert not FOR_FEW_SERVERS & loaded_by("import faena.server.application")


@pytest.mark.long
def test_a_server_does_without_ray_whatever_is_installed() -> None:
    """Its rooms of Ray clusters, with an `import ray` that tells on who asks: not even one that is caught."""
    found = loaded_by(_NO_RAY.format("faena.server.app", *_RAY_ROOMS))
    assert set(_RAY_ROOMS) <= found
    assert "ray" not in found
    assert "faena.compute.backends.ray.bridge" not in found, "it is sent as a file"


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
