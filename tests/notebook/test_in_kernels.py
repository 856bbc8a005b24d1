"""Views in kernels that nobody watches: nbclient's and papermill's, and where there is no kernel at all."""

from __future__ import annotations

from pathlib import Path

import pytest

import faena
from faena import Experiment, RunDetails, Workspace
from faena.kernel.errors import UserErrorException
from tests.notebook.notebooks import bundles, cells, executed, printed


@pytest.fixture(scope="module")
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


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
        while "0.25" not in repr(open_views._open[0]) and time.monotonic() < deadline:
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
        RunDetails("mnist_1")  # type: ignore[arg-type]


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
