"""Workspaces live: they are moved, copied, renamed, and found again."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faena import Experiment, Workspace
from faena.kernel.errors import UserErrorException, WorkspaceException
from faena.testing.shutdown import shut_down


def _copy(workspace: Workspace, folder: Path) -> Path:
    shutil.copytree(workspace.folder, folder, symlinks=True)
    return folder


def _record(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / ".faena" / "workspace.json").read_text())
    return found


class TestTheId:
    def test_is_kept_by_one_that_was_moved(self, tmp_path: Path) -> None:
        made = Workspace.create("moved", tmp_path / "a")
        made.folder.rename(tmp_path / "b")
        assert Workspace(tmp_path / "b").id == made.id
        (tmp_path / "b").rename(tmp_path / "a")
        assert Workspace(tmp_path / "a").id == made.id

    def test_of_a_copy_is_its_own_and_stays(self, tmp_path: Path) -> None:
        made = Workspace.create("copied", tmp_path / "a")
        (made.files.path / "token").write_text("secret")
        copy = Workspace(_copy(made, tmp_path / "b"))
        assert copy.id != made.id == Workspace(tmp_path / "a").id
        assert Workspace(tmp_path / "b").id == copy.id
        assert not (copy.files.path / "token").exists() and (made.files.path / "token").exists()

    def test_of_a_copy_of_a_copy_is_its_own(self, tmp_path: Path) -> None:
        made = Workspace.create("copied-twice", tmp_path / "a")
        second = Workspace(_copy(made, tmp_path / "b"))
        third = Workspace(_copy(second, tmp_path / "c"))
        assert len({made.id, second.id, third.id}) == 3

    def test_is_kept_by_the_last_one_that_is_left(self, tmp_path: Path) -> None:
        """Copied to another disk and removed from the first one: that is how things are moved there."""
        made = Workspace.create("carried", tmp_path / "a")
        _copy(made, tmp_path / "b")
        shutil.rmtree(tmp_path / "a")
        assert Workspace(tmp_path / "b").id == made.id

    def test_is_one_however_the_folder_is_reached(self, tmp_path: Path) -> None:
        made = Workspace.create("reached", tmp_path / "a")
        (tmp_path / "link").symlink_to(tmp_path / "a")
        assert Workspace(tmp_path / "link").id == made.id
        # what a bind mount is: the same files under another path
        (tmp_path / "b" / ".faena").mkdir(parents=True)
        os.link(made.files.path / "workspace.json", tmp_path / "b" / ".faena" / "workspace.json")
        assert Workspace(tmp_path / "b").id == made.id

    def test_of_one_that_an_older_faena_made_is_its_copys_no_more(self, tmp_path: Path) -> None:
        made = Workspace.create("older", tmp_path / "a")
        record = {key: value for key, value in _record(made.folder).items() if key != "place"}
        (made.files.path / "workspace.json").write_text(json.dumps(record))
        copy = Workspace(_copy(made, tmp_path / "b"))
        assert copy.id != made.id == Workspace(tmp_path / "a").id

    def test_of_a_copy_that_many_open_at_once_is_one(self, tmp_path: Path) -> None:
        made = Workspace.create("opened-by-many", tmp_path / "a")
        _copy(made, tmp_path / "b")
        with ThreadPoolExecutor(16) as pool:
            found = set(pool.map(lambda _: Workspace(tmp_path / "b").id, range(50)))
        assert len(found) == 1 and made.id not in found


@pytest.mark.long
def test_what_had_not_ended_is_not_begun_again_in_a_copy(tmp_path: Path) -> None:
    made = Workspace.create("running", tmp_path / "a")
    run = Experiment(made, "e").start_logging(outputs=None, snapshot_directory=None)
    run.log("x", 1)
    run.flush()
    made.api.stop()
    copy = Workspace(_copy(made, tmp_path / "b"))
    view = copy.api.run(run.id)
    assert (view.status, view.error and view.error.reason) == ("Failed", "restored")
    assert view.error is not None and str(tmp_path / "a") in view.error.message
    run.complete()
    assert run.get_status() == "Completed"
    shut_down(copy)
    shut_down(made)


class TestFindingByName:
    def test_a_moved_one_is_found_once_it_was_opened(self, tmp_path: Path) -> None:
        made = Workspace.create("found-again", tmp_path / "a")
        made.folder.rename(tmp_path / "b")
        with pytest.raises(WorkspaceException, match=f"It was in {tmp_path / 'a'} and is not there now"):
            Workspace.get("found-again")
        Workspace(tmp_path / "b")
        assert Workspace.get("found-again").folder == tmp_path / "b"

    def test_one_that_came_from_elsewhere_is_found(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("FAENA_HOME", str(tmp_path / "other-home"))
            made = Workspace.create("from-elsewhere", tmp_path / "a")
            made.write_config(made.folder)
        with pytest.raises(WorkspaceException):
            Workspace.get("from-elsewhere")
        Workspace.from_config(made.folder)
        assert Workspace.get("from-elsewhere").id == made.id

    def test_a_state_folder_that_cannot_be_written_keeps_nobody_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = Workspace.create("kept-in", tmp_path / "a")
        (tmp_path / "file").touch()
        monkeypatch.setenv("FAENA_HOME", str(tmp_path / "file" / "home"))
        assert Workspace(made.folder).id == made.id


class TestRenaming:
    def test_it_is_found_by_its_new_name_only(self, tmp_path: Path) -> None:
        made = Workspace.create("old-name", tmp_path)
        made.write_config(tmp_path)
        made.rename("new-name")
        assert (
            made.name == Workspace.from_config(tmp_path).name == Workspace.get("new-name").name == "new-name"
        )
        assert made.id == Workspace.get("new-name").id
        assert json.loads((tmp_path / "config.json").read_text())["workspace_name"] == "new-name"
        with pytest.raises(WorkspaceException):
            Workspace.get("old-name")

    def test_configs_that_tell_of_something_else_stay(self, tmp_path: Path) -> None:
        made = Workspace.create("one-name", tmp_path)
        said = {".azureml": '{"workspace_name": "another"}', "aml_config": "{"}
        for folder, text in said.items():
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "config.json").write_text(text)
        made.rename("two-name")
        assert {folder: (tmp_path / folder / "config.json").read_text() for folder in said} == said

    def test_a_name_that_cannot_be_changes_nothing(self, tmp_path: Path) -> None:
        made = Workspace.create("stays", tmp_path)
        with pytest.raises(UserErrorException):
            made.rename("a/b")
        assert Workspace(tmp_path).name == "stays"

    def test_the_server_tells_the_new_name(self, tmp_path: Path) -> None:
        made = Workspace.create("before", tmp_path)
        assert made.api.workspace().name == "before"
        made.rename("afterwards")
        assert made.api.workspace().name == "afterwards"
        shut_down(made)
