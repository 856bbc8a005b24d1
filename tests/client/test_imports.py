"""What a script loads before it does anything: the names that it asks for, and not what few scripts use."""

from __future__ import annotations

import subprocess
import sys

import pytest

FOR_FEW = {
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


@pytest.mark.parametrize("home", ["faena", "azureml.core"])
def test_names_load_no_others(home: str) -> None:
    code = f"from {home} import Workspace, Experiment, Run; import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert not FOR_FEW & set(done.stdout.split())
