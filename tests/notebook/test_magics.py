"""`%load_ext faena` in a real kernel: cells become runs, commands print into the notebook."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from faena import Workspace
from faena.cli import magics
from faena.kernel.errors import UserErrorException
from tests.notebook.notebooks import bundles, cells, executed, printed


@pytest.fixture(scope="module")
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


@pytest.mark.long
def test_a_cell_is_a_run_and_commands_print_below_theirs(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("FACTOR = 2")
    inside = f"-w {workspace.folder} --interpreter {sys.executable}"
    notebook = cells(
        workspace,
        "%load_ext faena",
        f"""
        %%faena {inside} --follow --experiment cells --name "first cell" --tag k=v -- --lr 0.5
        import os, sys
        from faena import Run
        run = Run.get_context()
        run.log("lr", float(sys.argv[2]))
        print("files:", sorted(os.listdir(".")))
        """,
        "first = _\nprint(first.get_metrics(), first.name, first.tags)",
        f"%faena logs -w {workspace.folder} $first.id",
        f"""
        %%faena {inside} --source . --follow --experiment cells
        from beside import FACTOR
        from faena import Run
        Run.get_context().log("factor", FACTOR)
        """,
        f"%faena runs -w {workspace.folder} --experiment cells",
        """
        from IPython.core.error import UsageError
        get_ipython().run_line_magic("faena", "")
        for line in ("runs --nonsense", "show -w {ws.folder} nothing-of-the-kind"):
            try:
                get_ipython().run_line_magic("faena", line)
            except UsageError as error:
                print("told:", error)
        %unload_ext faena
        """,
    )
    executed(notebook, tmp_path)
    assert not [
        each for cell in notebook.cells for each in cell.outputs if each.output_type == "execute_result"
    ]
    said = printed(notebook)
    assert "Usage: %faena" in said
    assert "{'lr': 0.5} first cell {'k': 'v'}" in said
    assert "files: ['cell.py', 'logs', 'outputs']" in said
    assert "told: %faena runs --nonsense failed: exit code 2." in said
    assert "told: %faena show" in said and "exit code 1" in said
    assert len([line for line in said.splitlines() if line.startswith("cells_")]) >= 2, said
    assert [shown["text/plain"].count("Completed") for shown in bundles(notebook)[:2]] == [1, 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beside.py"], "nothing is left beside it"


def test_what_cannot_be_submitted_is_told(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="A cell is no module"):
        magics.submit_cell("-m", "1")
    with pytest.raises(UsageError, match=r"No such option.*stand behind --"):
        magics.submit_cell("--nonsense", "1")
    with pytest.raises(UsageError, match="cannot be read: No closing quotation"):
        magics.submit_cell('--name "x', "1")
    (tmp_path / "faena_cell.py").write_text("mine")
    with pytest.raises(UserErrorException, match=r"faena_cell\.py: File exists"):
        magics.submit_cell(f"-w {workspace.folder} --source {tmp_path}", "1")
    assert (tmp_path / "faena_cell.py").read_text() == "mine"


def test_help_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert magics.submit_cell("--help", "") is None
    assert "%%faena [OPTIONS] [ARGUMENTS]" in capsys.readouterr().out
    magics.run_command("--help")
    assert "submit" in capsys.readouterr().out


def test_it_can_be_loaded_and_taken_back() -> None:
    shell: Any = InteractiveShell.instance()
    try:
        shell.run_line_magic("load_ext", "faena")
        assert shell.find_line_magic("faena") is magics.run_command
        with pytest.raises(UserErrorException) as raised:
            shell.run_cell_magic("faena", "--source /nonsense", "1")
        assert len(raised.value._render_traceback_()) == 1, "and not how it came to that"  # type: ignore[attr-defined]  # for IPython
        shell.run_line_magic("unload_ext", "faena")
        assert shell.find_cell_magic("faena") is None
    finally:
        InteractiveShell.clear_instance()
