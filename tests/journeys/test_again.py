"""A run is run again, compared, and found to be what it was; or it says what has changed."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from faena import Dataset, Workspace
from faena.client.runs import portable
from faena.client.runs.run import Run
from faena.environments.model import Lock
from faena.kernel import digests
from faena.kernel.errors import Conflict, ExperimentExecutionException, UserErrorException
from tests.conftest import shut_down
from tests.journeys.scripts import Project

SCRIPT = """
import os, sys
from faena import Run
run = Run.get_context()
run.log("epochs", float(sys.argv[2])); run.log("same", 1.0)
print(sys.argv[1:], os.environ["SEED"])
"""


def _edited(folder: Path, change: dict[str, object]) -> None:
    """Have an exported run tell of another environment, as one of another machine does."""
    record = json.loads((folder / "run.json").read_bytes())
    record["lock"] |= change
    record["lock_digest"] = msgspec.convert(record["lock"], Lock).digest
    (folder / "run.json").write_text(json.dumps(record))
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for entry in manifest["files"]:
        if entry["path"] == "run.json":
            entry["sha256"] = digests.of_file(folder / "run.json")
            entry["size"] = (folder / "run.json").stat().st_size
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _lines(run: Run) -> str:
    return "".join(run.get_details_with_logs()["logFiles"].values())


@pytest.mark.long
def test_again_with_another_argument_in_the_same_environment(
    project: Project, workspace: Workspace, tmp_path: Path
) -> None:
    given = {"script_params": {"--epochs": 10, "--v": ""}, "environment_variables": {"SEED": "7"}}
    first = project.run(SCRIPT, python="3.11", **given)
    assert first.get_status() == "Completed", first.refresh().error
    (project.folder / "train.py").write_text("raise SystemExit('this is not what ran')")
    second = first.rerun({"epochs": 20, "--new": None})
    second.wait_for_completion()
    before, after = first.refresh(), second.refresh()
    assert after.arguments == ["--epochs", "20", "--v", "--new"]
    assert (after.snapshot, after.lock, after.cluster) == (before.snapshot, before.lock, before.cluster)
    assert "['--epochs', '20', '--v', '--new'] 7" in _lines(second)
    assert second.get_tags()["faena.rerun_of"] == second.get_properties()["faena.rerun_of"] == first.id
    assert [run.id for run in workspace.find_runs(f"tags.\"faena.rerun_of\" = '{first.id}'")] == [second.id]

    found = first.diff(second)
    assert [section.name for section in found if section] == ["arguments", "phases", "metrics"]
    changes = {change.name: (change.left, change.right) for change in found["arguments"].changes}
    assert changes == {"epochs": ("10", "20"), "new": (None, "true")}
    assert [c.name for c in found["metrics"].changes] == ["epochs", "epochs.min", "epochs.max"]
    assert found["metrics"].changes[0].difference == 10 and found["metrics"].same == 5
    third = project.run("print('new code')")
    code = first.diff(third, only=["code"])
    assert [section.name for section in code] == ["code"] and "+print('new code')" in str(code)
    with pytest.raises(UserErrorException, match="'cod' is no section"):
        first.diff(third, only="cod")

    assert workspace.api.records.obstacles(first.id) == []
    exact = first.rerun(exact=True)
    exact.wait_for_completion()
    assert exact.refresh().lock == before.lock and exact.refresh().notes == []
    assert workspace.api.records.obstacles(first.id, "gone")[0].what == "cluster"
    with pytest.raises(UserErrorException, match="cannot be the name of an argument"):
        first.rerun({"--": 1})
    _data_changes(project, workspace, tmp_path)


def _data_changes(project: Project, workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1")
    store = workspace.get_default_datastore()
    store.upload(tmp_path / "data", "d")
    dataset = Dataset.File.from_files((store, "d"))
    run = project.run("print(1)", python="3.11", inputs=[dataset.as_named_input("d")])
    assert run.get_status() == "Completed"
    assert workspace.api.records.obstacles(run.id) == []
    (tmp_path / "data" / "b.csv").write_text("2")
    store.upload(tmp_path / "data", "d", overwrite=True)
    (found,) = workspace.api.records.obstacles(run.id)
    assert found.what == "data" and "d/a.csv" in found.message and "d/b.csv" in found.message


@pytest.mark.long
def test_an_environment_of_another_machine(
    project: Project, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = project.run("print(1)", python="3.11")
    second = project.run("print(2)", python="3.11")
    portable.export(workspace, first.id, tmp_path / "one")
    portable.export(workspace, second.id, tmp_path / "two")
    _edited(tmp_path / "one", {"platform": "plan9-mips"})
    _edited(tmp_path / "two", {"requirements": f"faena-none==1.0 --hash=sha256:{'0' * 64}"})
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    other = Workspace.create("other", tmp_path / "other")
    try:
        Project(other, tmp_path / "unused")
        with pytest.raises(Conflict, match="differs in environment"):
            workspace.import_run(tmp_path / "one")
        taken = other.import_run(tmp_path / "one")
        (other.files.objects / _object_of(taken)).rename(tmp_path / "object")
        with pytest.raises(ExperimentExecutionException) as refused:
            taken.rerun(exact=True, cluster="missing")
        for said in (
            "snapshot: The bytes of train.py",
            "environment: The lock is for plan9-mips",
            "cluster: There is no",
        ):
            assert said in refused.value.message
        with pytest.raises(ExperimentExecutionException, match=r"again:\n  snapshot: The bytes of"):
            taken.rerun()
        (tmp_path / "object").rename(other.files.objects / _object_of(taken))
        again = taken.rerun()
        again.wait_for_completion()
        assert again.refresh().lock == first.refresh().lock
        (note,) = again.refresh().notes
        assert note.code == "new_lock" and "plan9-mips" in note.message

        unbuildable = other.import_run(tmp_path / "two")
        failing = unbuildable.rerun(exact=True)
        again = unbuildable.rerun()
        failing.wait_for_completion(raise_on_error=False)
        error = failing.refresh().error
        assert error is not None and error.reason == "environment" and "faena-none" in error.message
        again.wait_for_completion()
        assert again.refresh().lock == first.refresh().lock
        assert [note.code for note in again.refresh().notes] == ["new_lock"]
    finally:
        shut_down(other)


def _object_of(run: Run) -> str:
    digest = run.experiment.workspace.api.records.snapshot(run.get_snapshot_id())[0].digest
    return f"{digest[:2]}/{digest}"
