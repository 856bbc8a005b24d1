"""A run leaves one workspace as a folder and is the same run in another."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena import Experiment, Workspace
from faena.client.runs import portable
from faena.client.runs.run import Run
from faena.kernel.errors import Conflict, UserErrorException
from tests.conftest import shut_down
from tests.journeys.scripts import Project

SCRIPT = """
import os
from faena import Run
run = Run.get_context()
for step in range(3):
    run.log("loss", 0.1 * step, step=step)
run.log("nan", float("nan")); run.log("whole", 2**53 + 1); run.log("text", "=cmd()")
run.log_list("list", [1.5, 2.5]); run.log_row("row", a=1, b=2); run.log("loss", 5)
run.tag("team", "a")
open("outputs/model.bin", "wb").write(bytes(range(256)))
open("notes.txt", "w").write("n"); run.upload_file("notes/one.txt", "notes.txt")
with run.child_run(name="fold") as child:
    child.log("fold", 1)
print("hello from the script")
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace.create("other", tmp_path / "other")
    yield made
    shut_down(made)


def _metrics(run: Run) -> str:
    return json.dumps(run.get_metrics())  # as text: NaN is not equal to itself


def test_a_run_is_the_same_elsewhere(project: Project, other: Workspace, tmp_path: Path) -> None:
    (project.folder / "lib").mkdir()
    (project.folder / "lib" / "tool.sh").write_text("echo")
    (project.folder / "lib" / "tool.sh").chmod(0o755)
    run = project.run(SCRIPT, script_params={"--epochs": 10, "--flag": ""}, environment_variables={"A": "b"})
    assert run.get_status() == "Completed", run.refresh().error
    run.add_properties({"data": "v1"})
    run.register_model("net", "outputs/model.bin")
    run.add_comment("why").change("why not")

    alone = portable.export(run.experiment.workspace, run.id, tmp_path / "alone")
    assert (alone.children, alone.left_out) == ([], 1)
    exported = run.export(tmp_path / "run", children=True)
    assert len(exported.children) == 1 and exported.left_out == 0
    folder = tmp_path / "run"
    assert (folder / "outputs/model.bin").read_bytes() == bytes(range(256))
    assert (folder / "files/notes/one.txt").read_text() == "n"
    assert os.access(folder / "code/lib/tool.sh", os.X_OK)
    assert "hello from the script" in next(folder.glob("logs/*/*/azureml-logs/70*")).read_text()
    assert "'=cmd()" in (folder / "metrics/attempt-1.script.csv").read_text()
    assert all(path.stat().st_nlink == 1 for path in folder.rglob("*") if path.is_file())
    for record in (folder / "run.json", folder / f"children/{exported.children[0]}/run.json"):
        assert record.stat().st_mode & 0o777 == 0o600, "whoever may look into the folder"
    with pytest.raises(UserErrorException, match="is there already"):
        run.export(folder)
    with pytest.raises(UserErrorException, match="keeps its files"):
        run.export(project.workspace.files.path / "x")

    first = Experiment(other, "exp").start_logging(snapshot_directory=None, outputs=None)
    with pytest.raises(Conflict, match="has not ended"):
        first.export(tmp_path / "open")
    assert not (tmp_path / "open").exists()
    first.complete()
    with pytest.raises(UserErrorException, match="it has no script"):
        first.rerun()
    view = portable.take(other, folder)
    assert view.imported == [run.id, *exported.children]
    assert view.models == ["net:1"] and view.number == 2, "number 1 was taken"
    there = other.get_run(run.id)
    before, after = run.refresh(), there.refresh()
    changed = {"number", "version"}
    for name in before.__struct_fields__:
        if name not in changed:
            assert getattr(before, name) == getattr(after, name), name
    assert _metrics(there) == _metrics(run)
    assert there.get_file_names() == run.get_file_names()
    assert (
        there.get_environment().to_dict() == run.get_environment().to_dict() if run.refresh().lock else True
    )
    assert there.get_details_with_logs()["logFiles"] == run.get_details_with_logs()["logFiles"]
    there.download_file("outputs/model.bin", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == bytes(range(256))
    wanted = "metrics.loss = 5 and params.epochs = 10 and tags.team = a and experiment = exp"
    assert [found.id for found in other.find_runs(wanted)] == [run.id]
    assert [child.id for child in there.get_children()] == exported.children
    assert [repr(said) for said in there.get_comments()] == [repr(said) for said in run.get_comments()] != []
    assert there.restore_snapshot(path=tmp_path / "code.zip")

    version = there.refresh().version
    there.tag("team", "b")
    assert portable.take(other, folder).imported == []
    assert there.get_tags() == {"team": "b"} and there.refresh().version == version + 1
    again = portable.export(other, run.id, tmp_path / "again")
    assert again.files == alone.files
    for name in ("metrics/attempt-1.script.spool", "metrics/attempt-1.script.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
