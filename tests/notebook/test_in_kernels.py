"""Views in kernels that nobody watches: nbclient's and papermill's, and where there is no kernel at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import nbformat
import pytest
from ipykernel.comm import Comm

import faena
from faena import Experiment, RunDetails, Workspace
from faena.client import api
from faena.kernel.errors import FaenaError, UserErrorException
from faena.notebook.live.widget import hear_every_page
from faena.notebook.show import watch_of
from faena.notebook.watching import run_watch
from faena.notebook.watching.contract import Watch
from faena.testing.kills import processes
from faena.testing.waiting import until
from tests.notebook.made_views import EVIL
from tests.notebook.notebooks import SECONDS, bundles, cells, executed, printed


@pytest.fixture(scope="module")
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


@pytest.mark.long
def test_a_view_goes_on_while_other_cells_run_and_ends_as_the_run_does(
    workspace: Workspace, tmp_path: Path
) -> None:
    notebook = cells(
        workspace,
        """
        run = Experiment(ws, "shown").start_logging(outputs=None, snapshot_directory=None)
        other = Experiment(ws, "shown").start_logging(outputs=None, snapshot_directory=None)
        show(run)
        RunDetails(other).show()
        """,
        """
        import time
        from faena.notebook import open_views
        run.log("loss", 0.25)
        deadline = time.monotonic() + 30
        while "loss 0.25" not in repr(open_views._open[0]) and time.monotonic() < deadline:
            time.sleep(0.02)
        print("while a cell runs:", open_views._open[0])
        """,
        "run.log('accuracy', 0.75); run.complete()",
    )
    first, second = bundles(executed(notebook, tmp_path))
    assert "loss 0.25" in printed(notebook)
    assert list(first) == ["text/plain", "text/html"], "and no widget, which nobody would show later"
    assert "Completed" in first["text/plain"]
    assert "accuracy 0.75" in first["text/plain"]
    assert first["text/html"].count("<path") == 0, "one point each"
    assert first["text/html"].count("fv-dot") >= 2
    assert "Running" in second["text/plain"], "as it was when the kernel left"
    assert "widgets" not in notebook.metadata


@pytest.mark.long
def test_a_notebook_that_papermill_ran_is_whole_as_a_page(workspace: Workspace, tmp_path: Path) -> None:
    file, ran = tmp_path / "in.ipynb", tmp_path / "out.ipynb"
    nbformat.write(
        cells(
            workspace,
            f"""
            run = Experiment(ws, "papermill").start_logging(outputs=None, snapshot_directory=None)
            run.log({EVIL!r}, 0.25)
            show(run)
            """,
            "run.complete()",
        ),
        file,
    )  # type: ignore[no-untyped-call]  # it has no types
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "papermill", "--log-level", "ERROR", file, ran],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "JPY_SESSION_NAME": str(file)},  # as from a terminal or a cell of JupyterLab
    )
    assert done.returncode == 0, done.stderr
    notebook = nbformat.read(ran, 4)  # type: ignore[no-untyped-call]  # it has no types
    [shown] = bundles(notebook)
    assert set(shown) == {"text/plain", "text/html"}
    assert ": Completed after" in shown["text/plain"]
    from nbconvert import HTMLExporter  # slow, and of use here alone

    page, _ = HTMLExporter().from_notebook_node(notebook)  # type: ignore[no-untyped-call]  # it has no types
    body = page[page.index('<div class="faena-view">') :]
    assert "Completed" in body
    assert "<script>alert(1)</script>" not in body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body


@pytest.mark.long
def test_a_view_says_that_its_server_is_silent_and_goes_on(
    own_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "_SILENT", 3.0)
    monkeypatch.setattr(run_watch, "ANSWERING", 0.5)
    run = Experiment(own_workspace, "silent").start_logging(outputs=None, snapshot_directory=None)
    watch = watch_of(run)
    changed, stopped = threading.Event(), threading.Event()
    thread = threading.Thread(target=watch.follow, args=(changed.set, stopped.is_set))
    thread.start()
    server = processes.server_of(own_workspace.files.path)
    assert server is not None
    try:
        assert "does not answer" not in watch.look().line
        os.kill(server, signal.SIGSTOP)
        until(lambda: "does not answer" in shown_by(watch), "the view says so", seconds=60)
        os.kill(server, signal.SIGCONT)
        until(lambda: "does not answer" not in shown_by(watch), "it goes on", seconds=60)
        os.kill(server, signal.SIGKILL)
        run.log("loss", 0.125)
        until(lambda: "loss 0.125" in shown_by(watch), "with another server, too", seconds=60)
        run.complete()
        until(lambda: "Completed" in shown_by(watch), "to the end", seconds=60)
    finally:
        stopped.set()
        thread.join(30)
    assert not thread.is_alive()


def shown_by(watch: Watch) -> str:
    """As a display has it, whatever becomes of the server."""
    try:
        return watch.look().line
    except FaenaError as error:
        found = watch.trouble(error.message)
        assert found is not None
        return found.line


def test_without_a_kernel_it_is_a_line_of_text(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    with Experiment(workspace, "line").start_logging(outputs=None, snapshot_directory=None) as run:
        run.log("loss", 0.5)
        run.flush()
        faena.show(run)
        details = RunDetails(run)
        details.show()
        details.close()
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 2
    assert told[0].startswith(f"Run {run.id}: Running for ")
    assert told[0].endswith("; loss 0.5")


def test_what_cannot_be_shown_is_named() -> None:
    with pytest.raises(UserErrorException, match="5 cannot be shown"):
        faena.show(5)
    with pytest.raises(UserErrorException, match="no run"):
        RunDetails("mnist_1")  # type: ignore[arg-type]  # a user's mistake


def test_what_a_view_shows_can_be_had_in_v1s_keys(workspace: Workspace) -> None:
    with Experiment(workspace, "data").start_logging(outputs=None, snapshot_directory=None) as run:
        run.log("loss", 0.5)
        run.log("loss", 0.25)
        run.tag("kind", "test")
    found = RunDetails(run).get_widget_data()
    assert found["status"] == "Completed"
    assert found["run_id"] == run.id
    assert found["run_properties"]["tags"] == {"kind": "test"}
    assert found["run_metrics"] == [
        {"name": "loss", "run_id": run.id, "categories": [0, 1], "series": [{"data": [0.5, 0.25]}]}
    ]


def test_pages_are_heard_wherever_the_kernel_has_them_answer() -> None:
    comm: Any = Comm(target_name="view", show_warning=False)  # type: ignore[no-untyped-call]  # it has no types
    comm._reply_subshell_id = "of a page that is gone"
    hear_every_page(comm)
    assert comm._reply_subshell_for({"method": "custom"}, "its own") == "its own"
    hear_every_page(object())  # an older ipykernel's
