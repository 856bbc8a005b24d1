"""`faena.Run` inside a run whose interpreter has faena: cheap, and the same to whoever looks."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from faena.node.command import pythonpath


def in_a_run(folder: Path, script: str, path: str) -> None:
    variables = {"FAENA_RUN_ID": "run", "FAENA_SPOOL": str(folder), "FAENA_SOCKET": str(folder / "no.sock")}
    environment = {**os.environ, **variables, "PYTHONPATH": path}
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", [str(pythonpath(sys.executable)), ""], ids=["as a run", "without its path"])
@pytest.mark.parametrize("names", ["faena", "azureml.core"])
def test_a_script_that_logs_loads_no_handle(tmp_path: Path, names: str, path: str) -> None:
    in_a_run(
        tmp_path,
        f"""
        import sys
        from {names} import Run
        run = Run.get_context()
        run.log("loss", 0.5)
        assert Run.get_submitted_run() is run
        assert isinstance(run, Run)
        heavy = {{"urllib3", "msgspec", "faena.client.runs.run",
            "faena.client.workspaces.session", "inspect", "ssl", "logging"}}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
        """,
        path,
    )
    assert list(tmp_path.glob("*.spool"))


def test_it_stands_for_the_handle(tmp_path: Path) -> None:
    in_a_run(
        tmp_path,
        """
        from typing import Optional
        import azureml.core
        from azureml.core.run import Run as OfItsHome, get_run
        from faena import Run
        from faena.client.runs.run import Run as Handle
        assert azureml.core.Run is OfItsHome is Run
        assert Run.list.__func__ is Handle.list.__func__ and Run.cancel is Handle.cancel
        assert set(dir(Handle)) <= set(dir(Run))

        class Mine(Run):
            def cancel(self):
                return super().cancel()

        assert Mine.__mro__[1] is Handle and issubclass(Mine, Run) and issubclass(Handle, Run)
        assert isinstance(Handle.__new__(Handle), Run) and not isinstance(3, Run)

        def train(run: Optional[Run], other: "Run | None" = None) -> None: ...

        for wrong in (lambda: Run(), lambda: Run.nothing):
            try:
                wrong()
            except (TypeError, AttributeError) as error:
                assert "Run" in str(error), error
            else:
                raise AssertionError("nothing was said")
        """,
        str(pythonpath(sys.executable)),
    )
