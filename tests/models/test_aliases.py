"""Aliases: names of a model's own that mean one of its versions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faena import Model, Workspace
from faena.db import Database, Read
from faena.endpoints.folder import EndpointFolder
from faena.endpoints.front_folder import StagedModel
from faena.kernel import digests
from faena.kernel.errors import (
    Conflict,
    ModelNotFoundException,
    UserErrorException,
    WebserviceException,
)
from faena.models import aliasing, listing, service
from faena.models.model import ModelFile, ModelVersion, Search, check_alias
from faena.script import errors, models
from faena.tidying import deleting
from faena.tidying.schemas import DeletionRequest
from tests.cli.terminal import within
from tests.databases import Databases


@pytest.mark.parametrize(
    "alias", ["champion", "Champion", "a", "_", "-", "2", "v", "v1a", "latest_", "Größe", "x" * 255]
)
def test_what_may_be_one(alias: str) -> None:
    assert check_alias(alias) == alias


@pytest.mark.parametrize(
    ("alias", "why"),
    [
        ("", "use letters, digits"),
        ("a b", "use letters, digits"),
        ("a@b", "use letters, digits"),
        ("a/b", "use letters, digits"),
        ("a:1", "use letters, digits"),
        ("a.b", "use letters, digits"),
        ("champion\n", "use letters, digits"),
        ("\0", "use letters, digits"),
        ("x" * 256, "at most 255 characters"),
        ("latest", "means its latest version"),
        ("LaTest", "means its latest version"),
        ("v1", "reads as the number of a version"),
        ("V007", "reads as the number of a version"),
        ("v٣", "reads as the number of a version"),
    ],
)
def test_what_may_not(alias: str, why: str) -> None:
    with pytest.raises(WebserviceException, match=why):
        check_alias(alias)


class Registry:
    """A database with three versions of `net` and one of `other`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        file = ModelFile("model.npz", digests.of_bytes(b"weights"), 7)
        for number, name in enumerate(("net", "net", "net", "other")):
            model = ModelVersion(name, 0, None, "/m", number, files=(file,))
            self.write(
                lambda write, model=model, number=number: service.add(write, model, f"request-{number}")
            )

    def write(self, work: Callable[..., Any]) -> Any:
        return self.database.submit_write(work).result()

    def read(self, work: Callable[[Read], Any]) -> Any:
        return self.database.submit_read(work).result()

    def put(self, alias: str, version: int, name: str = "net") -> Any:
        return self.write(lambda write: aliasing.put(write, name, alias, version, 10 + version))

    def delete(self, *models: str) -> Any:
        return self.write(
            lambda write: deleting.make(write, [], DeletionRequest(models=models, user="me"), 5)
        )

    def means(self, alias: str, name: str = "net") -> int:
        version: int = self.read(lambda read: aliasing.get(read, name, alias)).version
        return version

    def all(self) -> dict[str, tuple[str, ...]]:
        found = self.read(lambda read: service.list_models(read, Search(), latest=False))
        return {view.id: view.aliases for view in found if view.aliases}


@pytest.fixture
def registry(databases: Databases, tmp_path: Path) -> Registry:
    return Registry(databases.open(tmp_path / "faena.db"))


def test_one_means_one_version_and_moves_whole(registry: Registry) -> None:
    assert registry.put("champion", 1).aliases == ("champion",)
    registry.put("champion", 1)
    registry.put("Champion", 2)
    registry.put("champion", 1, "other")
    assert registry.all() == {"net:1": ("champion",), "net:2": ("Champion",), "other:1": ("champion",)}
    assert registry.put("champion", 2).aliases == ("Champion", "champion")
    assert registry.all() == {"net:2": ("Champion", "champion"), "other:1": ("champion",)}
    assert [registry.means("champion"), registry.means("Champion"), registry.means("champion", "other")] == [
        2,
        2,
        1,
    ]
    [line, _] = registry.read(lambda read: listing.latest(read, "", 0, 9))[0]
    assert (line.version, line.aliases) == (3, {"Champion": 2, "champion": 2})

    def remove(version: int | None) -> None:
        registry.write(lambda write: aliasing.remove(write, "net", "champion", version))

    remove(1)
    assert registry.means("champion") == 2, "it means another one than is thought"
    remove(2)
    remove(None)
    assert registry.all() == {"net:2": ("Champion",), "other:1": ("champion",)}


def test_one_that_is_not_there_names_those_that_are(registry: Registry) -> None:
    for alias, said in (
        ("champion", "net has no aliases: `faena alias-model net:VERSION ALIAS`"),
        ("latest", "The latest version is net, without an alias"),
    ):
        with pytest.raises(ModelNotFoundException, match=f"net@{alias} not found.*{said}"):
            registry.means(alias)
    registry.put("champion", 2)
    for number in range(20):
        registry.put(f"slot-{number:02}", 1)
    with pytest.raises(ModelNotFoundException, match=r"aliases are champion \(version 2\) among others"):
        registry.means("champoin")
    with pytest.raises(ModelNotFoundException, match=r"slot-00 \(version 1\), .*among others"):
        registry.means("qqqqqqqqqqqq")
    for name, version in (("none", 1), ("net", 4)):
        with pytest.raises(ModelNotFoundException, match=f"Model with name {name}"):
            registry.put("champion", version, name)
    assert registry.means("champion") == 2


def test_what_an_alias_names_is_not_deleted(registry: Registry) -> None:
    registry.put("champion", 2)
    for wanted in ("net:2", "net"):
        with pytest.raises(Conflict, match=r"net:2 by champion.*`faena alias-model net:2 champion --remove`"):
            registry.delete(wanted)
    made = registry.delete("net:3")
    with pytest.raises(ModelNotFoundException, match="net:3"):
        registry.put("champion", 3)
    registry.write(lambda write: deleting.undo(write, made.id))
    registry.put("champion", 3)
    registry.delete("net:2")
    assert registry.all() == {"net:3": ("champion",)}


def test_what_a_script_of_an_endpoint_asks_for_by_alias(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = EndpointFolder(tmp_path)
    (tmp_path / "object").write_bytes(b"weights")
    file = {"path": "m.npz", "digest": digests.of_bytes(b"weights"), "size": 7, "executable": False}
    staged = [StagedModel("net", 1, [file], ["old"]), StagedModel("net", 3, [file], ["champion", "best"])]
    folder.stage(
        1, [], [*staged, StagedModel("plain", 2, [file])], lambda _: (tmp_path / "object").open("rb")
    )
    monkeypatch.chdir(folder.app(1))
    there = Path.cwd() / "azureml-models"
    for alias, version in (("champion", 3), ("best", 3), ("old", 1)):
        assert models.get_model_path(f"net@{alias}") == str(there / "net" / str(version) / "m.npz")
    assert models.get_model_path("net") == str(there / "net" / "3" / "m.npz")
    assert [each.name for each in (there / "plain").iterdir()] == ["2"], (
        "nothing is beside a version that has no alias"
    )
    with pytest.raises(errors.ModelNotFoundException, match="version of other"):
        models.get_model_path("net@other")
    with pytest.raises(errors.UserErrorException, match="Use one of them"):
        models.get_model_path("net@champion", 3)


class TestHandles:
    @pytest.fixture
    def first(self, lasting_workspace: Workspace, tmp_path: Path) -> Model:
        path = tmp_path / "model.npz"
        path.write_bytes(b"weights")
        for number in range(2):
            Model.register(lasting_workspace, path, "named", tags={"number": str(number)})
        return Model(lasting_workspace, "named", tags=[["number", "0"]])

    def test_a_model_is_had_by_its_alias(
        self, first: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace = first.workspace
        latest = Model(workspace, "named")
        first.set_alias("champion")
        assert first.aliases == ["champion"] and "champion" in str(first._repr_html_())
        for found in (
            Model(workspace, "named@champion"),
            Model(workspace, "named", alias="champion"),
            Model(workspace, id="named@champion"),
            Model(workspace, "named@champion", tags=[["number", "0"]]),
        ):
            assert (found.id, found.aliases) == (first.id, ["champion"])
        with pytest.raises(ModelNotFoundException):
            Model(workspace, "named@champion", tags=[["number", "1"]])
        for given in ({"version": 1}, {"alias": "champion"}):
            refused: Any = given
            with pytest.raises(UserErrorException, match="Use one"):
                Model(workspace, "named@champion", **refused)
        monkeypatch.chdir(tmp_path)
        assert Model.get_model_path("named@champion", _workspace=workspace).endswith(
            f"named/{first.version}/model.npz"
        )
        assert [found.id for found in Model.list(workspace, "named@champion")] == [first.id]
        assert Model.list(workspace, "named@nobody") == []
        latest.set_alias("champion")
        assert Model(workspace, "named@champion").id == latest.id
        first.remove_alias("champion")
        assert first.aliases == [] and Model(workspace, "named@champion").id == latest.id
        for wrong in ("", "a/b", "a b", "v2", "latest", "..", "%2F"):
            with pytest.raises(WebserviceException, match="cannot be an alias"):
                latest.set_alias(wrong)
        for wrong in ("named@", "@champion", "@"):
            with pytest.raises(UserErrorException, match="Use NAME@ALIAS"):
                Model(workspace, wrong)
        for wrong in ("named@v2", "named@a@b", "nothing@champion", "named@Champion"):
            with pytest.raises(ModelNotFoundException, match="ModelNotFound: Model with name"):
                Model(workspace, wrong)
        latest.remove_alias("champion")
        with pytest.raises(ModelNotFoundException, match="named has no aliases"):
            Model(workspace, "named@champion")

    def test_at_the_command_line(self, first: Model) -> None:
        folder = first.workspace.folder

        def said(*arguments: str) -> str:
            return within(folder, *arguments).stdout.decode()

        assert said("alias-model", first.id, "challenger") == f"named@challenger is {first.id}.\n"
        moved = said("alias-model", "named", "challenger")
        latest = Model(first.workspace, "named").id
        assert moved == f"named@challenger is {latest}, and no longer {first.id}.\n"
        assert "challenger" in said("models", "--name", "named") and latest in said(
            "show-model", "named@challenger"
        )
        assert said("alias-model", "named@challenger", "champion") == f"named@champion is {latest}.\n"
        wrong = within(folder, "alias-model", first.id, "champion", "--remove")
        assert wrong.returncode and f"named@champion is {latest}, not {first.id}".encode() in wrong.stderr
        assert f"it was {latest}" in said("alias-model", "named", "champion", "--remove")
        gone = within(folder, "alias-model", "named", "champion", "--remove")
        assert gone.returncode and b"Its aliases are challenger" in gone.stderr
        kept = within(folder, "delete-model", latest)
        assert kept.returncode and b"by challenger" in kept.stderr
