"""A JupyterLab of a test's own, in Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Page, expect

from faena.testing.waiting import until

_TOKEN = "lab"
_UNUSED = (
    "jupyterlab-plotly",
    "jupyterlab_pygments",
    *(
        f"@jupyterlab/{name}-extension"
        for name in (
            *(
                "celltags",
                "completer",
                "console",
                "csvviewer",
                "debugger",
                "documentsearch",
                "extensionmanager",
            ),
            *("help", "htmlviewer", "hub", "imageviewer", "inspector", "javascript", "json", "launcher"),
            *("logconsole", "lsp", "markdownviewer", "mathjax", "mermaid", "metadataform", "pdf", "running"),
            *("settingeditor", "terminal", "toc", "tooltip", "vega5", "workspaces"),
        )
    ),
)
"""What JupyterLab does beside notebooks and widgets: a sixth of what its start takes."""


class Lab:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self._address = f"http://127.0.0.1:{port}"

    def is_there(self) -> bool:
        try:
            self.ask("GET", "/api")
        except OSError:
            return False
        return True

    def ask(self, method: str, path: str) -> Any:
        asked = urllib.request.Request(
            self._address + path, method=method, headers={"Authorization": f"token {_TOKEN}"}
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:
            found = answer.read()
        return json.loads(found) if found else None

    def open(self, page: Page, name: str) -> None:
        """The notebook and no other, as its file has it now, as far as its kernel waits for cells.

        A page that has JupyterLab already, which takes seconds of CPU to load, goes on with it.
        """
        if page.url.startswith(self._address):
            page.evaluate("() => window.jupyterapp.commands.execute('application:close-all')")
            expect(page.locator(".jp-Notebook")).to_have_count(0)
            command(page, "docmanager:open", path=name)
        else:
            page.goto(f"{self._address}/lab/tree/{name}?reset&token={_TOKEN}")
        expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()

    def leave_kernels(self) -> None:
        for kernel in self.ask("GET", "/api/kernels"):
            self.ask("DELETE", f"/api/kernels/{kernel['id']}")

    def restart_kernel(self, name: str) -> None:
        """Of a notebook."""
        [kernel] = [each["kernel"]["id"] for each in self.ask("GET", "/api/sessions") if each["path"] == name]
        self.ask("POST", f"/api/kernels/{kernel}/restart")


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Lab]:
    """Without this user's settings; it is gone afterwards, with its kernels."""
    work = folder / "work"
    work.mkdir(parents=True)
    variables = {
        name: str(folder / name.lower())
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    shown = folder / "jupyter_config_dir" / "labconfig"
    shown.mkdir(parents=True)
    (shown / "page_config.json").write_text(json.dumps({"disabledExtensions": dict.fromkeys(_UNUSED, True)}))
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    options = [
        *("--no-browser", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root"),
        *(f"--IdentityProvider.token={_TOKEN}", "--LabApp.expose_app_in_browser=True"),
        *(f"--ServerApp.root_dir={work}", "--LabApp.extension_manager=readonly", "--LabApp.news_url="),
    ]
    with (folder / "lab.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            cwd=work,
            env={
                **os.environ,
                **variables,
                "PATH": str(Path(sys.executable).parent),
            },  # else it asks node and yarn
            stdout=log,
            stderr=log,
        )
    lab = Lab(work, port)
    try:
        until(lab.is_there, "JupyterLab answers", seconds=120)
        yield lab
    finally:
        with contextlib.suppress(OSError):
            lab.leave_kernels()
        process.terminate()
        process.wait(60)


def command(page: Page, name: str, **options: object) -> None:
    """One of JupyterLab's, which goes on when this returns."""
    page.evaluate(
        "([name, options]) => void window.jupyterapp.commands.execute(name, options)", [name, options]
    )


def run_cell(page: Page) -> None:
    command(page, "notebook:run-cell-and-select-next")


def saved(page: Page, file: Path) -> Any:
    """The notebook's file, saved now."""
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    return nbformat.read(file, 4)  # type: ignore[no-untyped-call]  # it has no types
