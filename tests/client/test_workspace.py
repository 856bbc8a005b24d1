"""Opening, making and finding workspaces."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faena import Workspace
from faena.kernel import settings
from faena.kernel.errors import FaenaError, UserErrorException, WorkspaceException


class TestConfig:
    def test_is_found_here_and_from_folders_below(self, tmp_path: Path) -> None:
        made = Workspace.create("configured", tmp_path)
        made.write_config(tmp_path)
        below = tmp_path / "a" / "b"
        below.mkdir(parents=True)
        assert Workspace.from_config(below).id == made.id
        assert Workspace.from_config(tmp_path / "config.json").id == made.id

    def test_one_that_names_another_than_its_folder_holds(self, tmp_path: Path) -> None:
        Workspace.create("held", tmp_path)
        (tmp_path / "config.json").write_text('{"workspace_name": "never-made"}')
        said = r"config\.json names the workspace 'never-made', which is not known here, and .* holds 'held'"
        with pytest.raises(WorkspaceException, match=said):
            Workspace.from_config(tmp_path)

    def test_the_folder_azureml_comes_first(self, tmp_path: Path) -> None:
        first = Workspace.create("first", tmp_path / "one")
        second = Workspace.create("second", tmp_path / "two")
        second.write_config(tmp_path)
        first.write_config(tmp_path / ".azureml")
        assert Workspace.from_config(tmp_path).name == "first"

    def test_what_else_stands_in_it_stays(self, tmp_path: Path) -> None:
        azure = {"subscription_id": "s", "resource_group": "g", "workspace_name": "mine"}
        (tmp_path / "config.json").write_text(json.dumps(azure))
        assert Workspace.create("mine", tmp_path).write_config(tmp_path) is None
        assert json.loads((tmp_path / "config.json").read_text()) == {**azure, "workspace_folder": "."}

    @pytest.mark.parametrize("text", ['{"workspace_name": "other", "resource_group": "g"}', "{"])
    def test_one_that_says_otherwise_is_kept_each_time(self, tmp_path: Path, text: str) -> None:
        made = Workspace.create("mine", tmp_path)
        for name in ("config.json.before", "config.json.before1"):
            (tmp_path / "config.json").write_text(text)
            assert made.write_config(tmp_path) == tmp_path / name
            assert (tmp_path / name).read_text() == text
        assert Workspace.from_config(tmp_path).id == made.id

    def test_without_one_the_workspace_of_the_nearest_folder_is_meant(self, tmp_path: Path) -> None:
        Workspace.create("outer", tmp_path)
        inner = Workspace.create("inner", tmp_path / "a")
        (tmp_path / "a" / "b").mkdir()
        assert Workspace.from_config(tmp_path / "a" / "b").id == inner.id

    def test_a_missing_one_says_where_it_was_looked_for(self, tmp_path: Path) -> None:
        with pytest.raises(UserErrorException, match=r"could not find config.json.*faena init"):
            Workspace.from_config(tmp_path)

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "{}", '{"workspace_name": 7}', '{"workspace_name": "a/../b"}']
    )
    def test_one_that_cannot_be_used_is_named(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(UserErrorException):
            Workspace.from_config(tmp_path)

    def test_that_of_azure_opens_the_workspace_of_that_name(self, tmp_path: Path) -> None:
        config = {"subscription_id": "s", "resource_group": "g", "workspace_name": "from-azure"}
        (tmp_path / "config.json").write_text(json.dumps(config))
        made = Workspace.from_config(tmp_path)
        assert (made.name, made.folder) == ("from-azure", tmp_path)
        assert Workspace.from_config(tmp_path).id == made.id


def test_a_name_that_several_have_makes_no_further_one(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        Workspace.create("had-twice", tmp_path / folder)
    (tmp_path / "config.json").write_text(json.dumps({"workspace_name": "had-twice"}))
    with pytest.raises(WorkspaceException, match="2 workspaces are called 'had-twice'"):
        Workspace.from_config(tmp_path)
    assert not (tmp_path / ".faena").exists()


class TestMaking:
    @pytest.mark.parametrize("name", ["", "ab", "a" * 34, "a/b", "a b", "ñandu", "-abc", "abc\n", ".", ".."])
    def test_a_name_that_cannot_be_is_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(UserErrorException, match="workspace name"):
            Workspace.create(name, tmp_path)
        assert not (tmp_path / ".faena").exists()

    def test_of_many_who_make_one_exactly_one_wins(self, tmp_path: Path) -> None:
        def make(number: int) -> bool:
            try:
                Workspace.create(f"ws{number:03}", tmp_path)
            except WorkspaceException as error:
                assert "already exists" in error.message
                return False
            return True

        with ThreadPoolExecutor(16) as pool:
            assert sum(pool.map(make, range(100))) == 1

    def test_is_private(self, tmp_path: Path) -> None:
        made = Workspace.create("private", tmp_path)
        assert made.files.path.stat().st_mode & 0o077 == 0

    def test_is_found_by_its_name(self, tmp_path: Path) -> None:
        made = Workspace.create("by-name", tmp_path)
        assert Workspace.get("by-name").id == made.id
        with pytest.raises(WorkspaceException, match="no-such"):
            Workspace.get("no-such")

    def test_where_there_is_none_the_error_says_how_to_make_one(self, tmp_path: Path) -> None:
        with pytest.raises(WorkspaceException, match="faena init"):
            Workspace(tmp_path)

    @pytest.mark.parametrize("text", ["", "{}", '{"format": 99, "id": "x", "name": "y"}'])
    def test_a_damaged_record_is_named(self, tmp_path: Path, text: str) -> None:
        Workspace.create("damaged", tmp_path)
        (tmp_path / ".faena" / "workspace.json").write_text(text)
        with pytest.raises(WorkspaceException):
            Workspace(tmp_path)


class TestRuntimeFolder:
    def test_that_others_may_enter_is_refused(self, surroundings: Path) -> None:
        surroundings.chmod(0o755)
        with pytest.raises(WorkspaceException, match="0700"):
            settings.runtime()

    def test_that_is_a_link_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "there").mkdir(mode=0o700)
        (tmp_path / "link").symlink_to(tmp_path / "there")
        monkeypatch.setenv("FAENA_RUNTIME", str(tmp_path / "link"))
        with pytest.raises(WorkspaceException, match="link"):
            settings.runtime()


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FAENA_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(FaenaError, match="FAENA_HOME"):
        settings.home()


class TestTwoOfOneName:
    def test_the_near_one_is_meant(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        one, two = (Workspace.create("near-twice", tmp_path / folder) for folder in ("one", "two"))
        (two.folder / "below").mkdir()
        monkeypatch.chdir(two.folder / "below")
        assert Workspace.get("near-twice").id == two.id
        (one.folder / "config.json").write_text(json.dumps({"workspace_name": "near-twice"}))
        assert Workspace.from_config(one.folder).id == one.id

    def test_elsewhere_the_folders_are_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for folder in ("one", "two"):
            Workspace.create("far-twice", tmp_path / folder)
        monkeypatch.chdir(tmp_path)
        with pytest.raises(WorkspaceException, match=r"one, .*two\. Open one by its folder"):
            Workspace.get("far-twice")
