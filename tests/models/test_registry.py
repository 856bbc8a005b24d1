"""Finding, changing and deleting versions; where their files are on this machine."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faena import Model, Workspace
from faena.client.workspaces.session import user
from faena.kernel.errors import Conflict, ModelNotFoundException, UserErrorException, WebserviceException


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "model.npz"
    path.write_bytes(b"weights")
    return path


def ids(models: list[Model]) -> list[str]:
    return [model.id for model in models]


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Iterator[Workspace]:
    """The module's, empty again after each test: some of them list all."""
    yield lasting_workspace
    for model in Model.list(lasting_workspace):
        model.delete()


@pytest.mark.long
def test_lists_and_getters_filter_on_the_server(workspace: Workspace, weights: Path) -> None:
    Model.register(workspace, weights, "a", tags={"area": "digits", "best": "yes"}, properties={"p": "1"})
    Model.register(workspace, weights, "a", tags={"area": "digits"})
    Model.register(workspace, weights, "a", tags={"area": "letters"}, properties={"p": "2"})
    Model.register(workspace, weights, "b", tags={"area": "digits", "=": "a=b"}, model_framework="ONNX")
    tags: list[tuple[Any, list[str]]] = [
        (None, ["a:3", "a:2", "a:1", "b:1"]),
        ([], ["a:3", "a:2", "a:1", "b:1"]),
        (["area"], ["a:3", "a:2", "a:1", "b:1"]),
        (["best"], ["a:1"]),
        ([["area", "digits"]], ["a:2", "a:1", "b:1"]),
        ([("area", "digits"), "best"], ["a:1"]),
        ({"area": "letters"}, ["a:3"]),
        ([["=", "a=b"]], ["b:1"]),
        (["AREA"], []),
        (["' OR 1=1 --", "%"], []),
    ]
    for wanted, found in tags:
        assert ids(Model.list(workspace, tags=wanted)) == found, wanted
    assert ids(Model.list(workspace, "a", tags=[["area", "digits"]])) == ["a:2", "a:1"]
    assert ids(Model.list(workspace, properties=["p"])) == ["a:3", "a:1"]
    assert ids(Model.list(workspace, properties=[["p", "1"]], tags=["best"])) == ["a:1"]
    assert ids(Model.list(workspace, tags=[["area", "digits"]], latest=True)) == ["a:2", "b:1"]
    assert ids(Model.list(workspace, run_id="none")) == []
    assert Model(workspace, "a", tags=[["area", "digits"]]).id == "a:2"
    assert Model(workspace, tags=["best"]).id == "a:1"
    assert Model(workspace, "a", properties=[["p", "1"]], version=1).id == "a:1"
    assert Model(workspace, model_framework="ONNX").id == "b:1"
    with pytest.raises(ModelNotFoundException, match=r"Model with name a and .*letters"):
        Model(workspace, "a", tags=[["area", "letters"]], version=1)
    refused: list[Any] = ["area", 3, [3], [["a", "b", "c"]], [[]]]
    for bad in refused:
        with pytest.raises(UserErrorException, match=r"Use a list|Use 'key'"):
            Model.list(workspace, tags=bad)
    with pytest.raises(WebserviceException, match="needs its name"):
        Model(workspace)


def test_what_may_change(workspace: Workspace, weights: Path) -> None:
    model = Model.register(workspace, weights, "net", tags={"a": "1", "b": "2"}, properties={"p": "1"})
    model.add_tags({"b": "3", "c": 4, "d": None})
    assert model.tags == {"a": "1", "b": "3", "c": "4", "d": ""}
    model.remove_tags(["a", "nothing"])
    model.remove_tags("d")
    assert Model(workspace, "net").tags == {"b": "3", "c": "4"}
    model.update(description="new")
    assert (model.description, model.tags) == ("new", {"b": "3", "c": "4"})
    model.update(tags={"only": "this"})
    assert (model.description, model.tags) == ("new", {"only": "this"})
    model.add_properties({"p": "1", "q": 2})
    model.update_tags_properties(add_tags={"x": "y"}, remove_tags=["only"], add_properties={"r": "3"})
    found = Model(workspace, "net")
    assert (found.tags, found.properties) == ({"x": "y"}, {"p": "1", "q": "2", "r": "3"})
    with pytest.raises(Conflict, match="The property 'p' of net:1 is '1', and properties never change"):
        model.update_tags_properties(add_tags={"z": "z"}, add_properties={"p": "other"})
    assert Model(workspace, "net").tags == {"x": "y"}
    with pytest.raises(UserErrorException, match="Use a dict"):
        model.add_tags(["a"])  # type: ignore[arg-type]  # as scripts do


def test_a_deleted_version_is_gone_and_its_number_is_not_given_out_again(
    workspace: Workspace, weights: Path
) -> None:
    first = Model.register(workspace, weights, "gone", tags={"a": "1"})
    second = Model.register(workspace, weights, "gone")
    second.delete()
    second.delete()
    told = [each for each in workspace.api.tidy.deletions() if each.what == "1 model version: gone:2"]
    assert [deletion.user for deletion in told] == [user()]
    assert ids(Model.list(workspace)) == ["gone:1"]
    assert Model(workspace, "gone").version == 1
    with pytest.raises(ModelNotFoundException, match="gone:2"):
        Model(workspace, "gone", version=2)
    with pytest.raises(ModelNotFoundException, match="gone:2"):
        second.add_tags({"a": "b"})
    first.delete()
    assert Model.list(workspace, tags=["a"]) == []
    with pytest.raises(ModelNotFoundException, match="ModelNotFound: Model with name gone not found"):
        Model(workspace, "gone")
    assert Model.register(workspace, weights, "gone").version == 3
    with pytest.raises(ModelNotFoundException, match="gone:9"):
        workspace.api.models.delete("gone", 9)


class TestPath:
    def test_with_a_workspace_it_is_brought_read_only(
        self, workspace: Workspace, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "folder" / "deep").mkdir(parents=True)
        (tmp_path / "folder" / "deep" / "x").write_text("x")
        Model.register(workspace, weights, "brought")
        Model.register(workspace, tmp_path / "folder", "brought")
        here = tmp_path / "azureml-models" / "brought"
        assert Model.get_model_path("brought", 1, workspace) == str(here / "1" / "model.npz")
        assert Model.get_model_path("brought", _workspace=workspace) == str(here / "2" / "folder")
        assert stat.S_IMODE((here / "1" / "model.npz").stat().st_mode) == 0o444
        stamp = (here / "1" / "model.npz").stat().st_mtime_ns
        assert Model.get_model_path("brought", "1", workspace) == str(here / "1" / "model.npz")
        assert (here / "1" / "model.npz").stat().st_mtime_ns == stamp
        assert {path.name for path in here.iterdir()} == {"1", "2"}
        assert Model.get_model_path("brought") == str(here / "2" / "folder")
        assert Model.get_model_path("brought", 1) == str(here / "1" / "model.npz")
        with pytest.raises(ModelNotFoundException, match="brought:3"):
            Model.get_model_path("brought", 3, workspace)
        assert {path.name for path in here.iterdir()} == {"1", "2"}

    def test_outside_a_run_it_is_looked_for_here(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        for version in ("2", "10", "not a version"):
            (tmp_path / "azureml-models" / "net" / version).mkdir(parents=True)
            (tmp_path / "azureml-models" / "net" / version / "m.bin").touch()
        (tmp_path / "other.pkl").touch()
        cache = tmp_path / "azureml-models" / "net"
        assert Model.get_model_path("net") == str(cache / "10" / "m.bin")
        assert Model.get_model_path("net", version=2) == str(cache / "2" / "m.bin")
        (cache / "10" / "more").touch()
        assert Model.get_model_path("net") == str(cache / "10")
        assert Model.get_model_path("other.pkl") == "other.pkl"
        with pytest.raises(ModelNotFoundException) as caught:
            Model.get_model_path("missing", 4)
        assert str(tmp_path / "azureml-models" / "missing" / "4") in caught.value.message
        assert str(tmp_path / "missing") in caught.value.message

    @pytest.mark.parametrize(
        "name", ["", "..", ".", "../x", "/etc/passwd", "a/../../b", "a\\..\\b", "a\0b", "x" * 300, None]
    )
    def test_names_that_leave_the_folder(self, name: Any) -> None:
        with pytest.raises(UserErrorException, match="is not a model name"):
            Model.get_model_path(name)

    @pytest.mark.parametrize("version", [0, -1, "../1", 1.5, True, 2**63, "9" * 5000, ""])
    def test_versions_that_cannot_be(self, version: Any) -> None:
        with pytest.raises(UserErrorException, match="is not a version of a model"):
            Model.get_model_path("net", version)


def test_a_download_is_not_led_out_of_its_folder_by_a_link(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "w.bin").write_bytes(b"weights")
    model = Model.register(workspace, tmp_path / "net", "led")
    elsewhere, target = tmp_path / "elsewhere", tmp_path / "there"
    elsewhere.mkdir()
    target.mkdir()
    (target / "net").symlink_to(elsewhere)
    with pytest.raises(WebserviceException, match="outside"):
        model.download(target)
    assert not list(elsewhere.iterdir())
    (tmp_path / "link").symlink_to(elsewhere)
    model.download(tmp_path / "link")
    assert (elsewhere / "net" / "w.bin").read_bytes() == b"weights"


def test_downloads_do_not_replace_unless_told(workspace: Workspace, weights: Path, tmp_path: Path) -> None:
    model = Model.register(workspace, weights, "twice")
    target = tmp_path / "there"
    model.download(target)
    with pytest.raises(WebserviceException, match=r"model\.npz exists already\. Use exist_ok=True"):
        model.download(target)
    (target / "model.npz").write_text("old")
    model.download(target, exist_ok=True)
    assert (target / "model.npz").read_bytes() == b"weights"
    model.download(target, exists_ok=True)
    with pytest.raises(WebserviceException, match="cannot be written"):
        model.download(target / "model.npz")
