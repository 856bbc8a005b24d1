"""What a script's process is told once it imports MLflow, on the Pythons of then and of today.

The package here has the modules of MLflow's client in which addresses are kept and runs begin, and reads the same
variables at the same moments. The client itself is tried in tests/journeys/test_mlflow.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.script.conftest import RunHere
from tests.script.test_rpc import Runner

URI, TOKEN = "http://127.0.0.1:20001", "run.demo.1.abc"
START = "import _faena_start; _faena_start.install()\n"
PACKAGE = {
    "__init__.py": "from mlflow.tracking._tracking_service.utils import get_tracking_uri, set_tracking_uri\n"
    "from mlflow.tracking.fluent import log_metric, start_run\n",
    "tracking/__init__.py": "from mlflow.tracking._tracking_service.utils import set_tracking_uri\n",
    "tracking/_tracking_service/__init__.py": "",
    "tracking/_tracking_service/utils.py": """
import os
def get_tracking_uri():
    return os.environ.get("MLFLOW_TRACKING_URI") or "file:./mlruns"
def set_tracking_uri(uri):
    os.environ["MLFLOW_TRACKING_URI"] = uri
""",
    "tracking/fluent.py": """
import os
def start_run():
    return os.environ.pop("MLFLOW_RUN_ID", None), os.environ.get("MLFLOW_TRACKING_TOKEN")
def _get_or_start_run():
    return start_run()
def log_metric():
    return _get_or_start_run()[0]
""",
}


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def script(here: RunHere, asked: list[str]) -> Iterator[RunHere]:
    """One whose environment has MLflow, and whose runner answers."""
    for name, text in PACKAGE.items():
        path = here.folder / "mlflow" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def answer(verb: str, arguments: dict[str, Any]) -> dict[str, Any]:
        asked.append(verb)
        if here.extra.get("REFUSED"):
            return {"error": {"code": "UserErrorException", "message": "This node is elsewhere."}}
        return {"ok": {"url": URI, "token": TOKEN, "experiment_id": "7"}}

    runner = Runner(str(here.folder / "s"), answer)
    yield here
    runner.stop()


def test_the_first_run_that_it_starts_is_its_own(script: RunHere, asked: list[str]) -> None:
    out, err = script.run(
        START
        + """
import os
print("MLFLOW_RUN_ID" in os.environ)
import mlflow
print(mlflow.get_tracking_uri(), os.environ["MLFLOW_EXPERIMENT_ID"])
print(mlflow.start_run(), mlflow.start_run()[0])
print(mlflow.log_metric(), mlflow.log_metric(), mlflow.start_run()[0])
"""
    )
    run = "demo_1700000000_0a1b2c3d"
    assert out.splitlines() == ["False", f"{URI} 7", f"{(run, TOKEN)} None", f"{run} {run} None"]
    assert err == ""
    assert asked == ["open_mlflow"]


def test_a_process_that_it_starts_logs_into_the_same_run(script: RunHere, asked: list[str]) -> None:
    child = START + "import mlflow; print(mlflow.get_tracking_uri(), mlflow.start_run()[0])"
    out, _ = script.run(
        START
        + f"""
import subprocess, sys, mlflow
mlflow.start_run()
sys.stdout.write(subprocess.check_output([sys.executable, "-c", {child!r}]).decode())
"""
    )
    assert out.split() == [URI, "demo_1700000000_0a1b2c3d"]
    assert asked == ["open_mlflow"]


def test_the_address_is_reached_past_a_proxy(script: RunHere) -> None:
    """Libraries that make requests would ask it for what is on this machine, too."""
    script.extra |= {"HTTP_PROXY": "http://proxy:3128", "no_proxy": "intern"}
    told = 'import os, mlflow; print(os.environ["NO_PROXY"], os.environ["no_proxy"])'
    assert script.run(START + told)[0].split() == ["127.0.0.1", "intern,127.0.0.1"]


@pytest.mark.parametrize("how", ["mlflow.set_tracking_uri(x)", 'os.environ["MLFLOW_TRACKING_URI"] = x'])
def test_an_address_of_its_own_gets_neither_the_runs_name_nor_its_token(script: RunHere, how: str) -> None:
    out, _ = script.run(
        START
        + f"""
import os, mlflow
x = "file:./own"
{how}
print(mlflow.start_run(), "MLFLOW_EXPERIMENT_ID" in os.environ)
mlflow.set_tracking_uri("{URI}")
print(mlflow.start_run())
"""
    )
    assert out.splitlines() == ["(None, None) False", f"('demo_1700000000_0a1b2c3d', {TOKEN!r})"]


@pytest.mark.parametrize(
    "given", [{"FAENA_MLFLOW": "off"}, {"MLFLOW_TRACKING_URI": "http://mine"}, {"FAENA_RUN_ID": ""}]
)
def test_whoever_says_otherwise_is_left_alone(
    script: RunHere, asked: list[str], given: dict[str, str]
) -> None:
    script.extra |= given
    if not given.get("FAENA_RUN_ID", "x"):
        script.extra |= {"FAENA_SOCKET": ""}
    out, err = script.run(START + "import mlflow; print(mlflow.get_tracking_uri(), mlflow.start_run())")
    assert out.split(maxsplit=1)[1] == "(None, None)\n"
    assert (asked, err) == ([], "")


def test_what_cannot_come_into_the_run_is_said_once(script: RunHere) -> None:
    script.extra["REFUSED"] = "1"
    child = START + "import mlflow"
    out, err = script.run(
        START
        + f"import subprocess, sys, mlflow; subprocess.check_call([sys.executable, '-c', {child!r}])\n"
        + "print(mlflow.start_run())"
    )
    assert out == "(None, None)\n"
    assert err.splitlines() == [
        "faena: what MLflow logs here does not come into the run: This node is elsewhere. FAENA_MLFLOW=off says no "
        "more of it."
    ]
