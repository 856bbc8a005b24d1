"""Files that a script leaves under names that cannot be kept: the run ends all the same, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena import Workspace
from faena.kernel.errors import SnapshotException
from tests.journeys.scripts import Project

ODD = [
    "a\nb",
    "a\tb",
    "a\x7fb",
    "C:",
    "\\",
    "a\\..\\b",
    "/".join(["x" * 200] * 6),
    b"\xff".decode(errors="surrogateescape"),
]


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


def test_files_that_cannot_be_kept_are_named_and_all_others_are_kept(project: Project) -> None:
    run = project.run(f"""
        import os
        for folder in ("outputs", "logs"):
            for name in {ODD!r}:
                path = os.fsencode(f"{{folder}}/{{name}}") if "\\udcff" not in name else folder.encode() + b"/\\xff"
                os.makedirs(os.path.dirname(path), exist_ok=True)
                open(path, "w").write("odd")
            open(f"{{folder}}/plain", "w").write("plain")
        print("written")
    """)
    assert run.get_status() == "Completed"
    (note,) = [note.message for note in run.refresh().notes if note.code == "not_kept"]
    assert "control character" in note
    names = set(run.get_file_names())
    assert {"outputs/plain", "logs/plain", "azureml-logs/70_driver_log.txt"} <= names
    assert not any("\n" in name or "\t" in name for name in names)


@pytest.mark.parametrize("name", ["logs", "outputs"])
def test_a_file_in_the_place_of_a_runs_folder_is_refused_at_submit(
    project: Project, tmp_path: Path, name: str
) -> None:
    (project.folder / name).write_text("x")
    before = [run.id for run in project.workspace.api.runs()]
    with pytest.raises(SnapshotException, match=f"'{name}' in the source folder is a file"):
        project.submit("print(1)")
    assert [run.id for run in project.workspace.api.runs()] == before


def test_a_script_cannot_replace_the_log_of_its_run(project: Project) -> None:
    run = project.run("""
        from faena import Run
        print("written")
        try:
            Run.get_context().upload_file("azureml-logs/70_driver_log.txt", __file__)
        except Exception as error:
            print("refused:", error)
    """)
    run.download_file("azureml-logs/70_driver_log.txt", project.folder / "log")
    shown = (project.folder / "log").read_text()
    assert "written" in shown
    assert "refused: 'azureml-logs/70_driver_log.txt' is kept for a log of the run" in shown
