"""Runs the examples as their reader would, each in a copy of the folder with a workspace of its own."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path

from faena_azureml.workspace import Workspace

FOLDER = Path(__file__).parents[2] / "examples"
_SECONDS = 280


def copy_of(folder: Path, workspace_name: str) -> Path:
    """The examples in `folder`; their config.json names this workspace."""
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns(".faena", "__pycache__"))
    config = folder / "azureml" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "workspace_name": workspace_name}))
    return folder / "azureml"


def run_script(folder: Path, name: str, *arguments: str) -> str:
    """What the script printed."""
    done = subprocess.run(
        [sys.executable, name, *arguments], cwd=folder, capture_output=True, text=True, timeout=_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_cells(folder: Path, name: str, **settings: object) -> str:
    """As `run_notebook`, without a kernel: in this process, which has been started and has loaded what they import."""
    names: dict[str, object] = {"__name__": "__main__"}
    printed = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # readers of examples leave files to the collector
        for number, cell in enumerate(json.loads(_text(folder / name, settings))["cells"]):
            if cell["cell_type"] == "code":
                _run_cell("".join(cell["source"]), f"{name}, cell {number}", names)
    return printed.getvalue()


def _run_cell(source: str, where: str, names: dict[str, object]) -> None:
    """The value of an expression at its end is shown."""
    parsed = ast.parse(source, where)
    last = parsed.body.pop() if parsed.body and isinstance(parsed.body[-1], ast.Expr) else None
    exec(compile(parsed, where, "exec"), names)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), where, "eval"), names)
        if value is not None:
            print(repr(value), end="")


def _text(notebook: Path, settings: Mapping[str, object]) -> str:
    text = notebook.read_text()
    for setting, value in settings.items():
        text, changed = re.subn(rf"\b{setting} = [^\\\"]+", f"{setting} = {value}", text)
        assert changed == 1, setting
    return text


def run_notebook(folder: Path, name: str, **settings: object) -> str:
    """What its cells printed. `settings` take the place of the values that the notebook gives to these names.

    Raises CellExecutionError when a cell fails.
    """
    import nbformat  # slow, and of use here alone
    from nbclient import NotebookClient

    notebook = nbformat.reads(_text(folder / name, settings), as_version=4)  # type: ignore[no-untyped-call]  # it has no types
    client = NotebookClient(
        notebook, timeout=_SECONDS, startup_timeout=_SECONDS, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs
    )


def workspace_in(folder: Path) -> Workspace:
    return Workspace.from_config(folder)
