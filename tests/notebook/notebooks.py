"""Notebooks of a few cells, run by nbclient in a workspace's folder."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from faena import Workspace

SECONDS = 120
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
OPENED = "from faena import *\nws = Workspace({folder!r})"


def cells(workspace: Workspace, *sources: str) -> Any:
    """A notebook whose first cell opens the workspace as `ws`."""
    opened = OPENED.format(folder=str(workspace.folder))
    made = [nbformat.v4.new_code_cell(textwrap.dedent(source)) for source in (opened, *sources)]  # type: ignore[no-untyped-call]  # it has no types
    return nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": KERNEL})  # type: ignore[no-untyped-call]  # it has no types


def executed(notebook: Any, folder: Path) -> Any:
    """Raises CellExecutionError when a cell fails."""
    NotebookClient(
        notebook, timeout=SECONDS, startup_timeout=SECONDS, resources={"metadata": {"path": str(folder)}}
    ).execute()
    return notebook


def bundles(notebook: Any) -> list[dict[str, Any]]:
    """What its cells have displayed, as it is in the end."""
    return [
        output["data"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "display_data"
    ]


def printed(notebook: Any) -> str:
    return "".join(
        output["text"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "stream"
    )
