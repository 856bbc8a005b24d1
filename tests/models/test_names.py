"""Models as such, and the stages of their versions: in Python, on the command line, on pages, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faena import Model, Workspace
from faena.db import Read
from faena.kernel import digests, model_names
from faena.kernel.errors import Conflict, ModelNotFoundException, WebserviceException
from faena.models import aliasing, listing, names, renaming, service, staging
from faena.models.model import ModelFile, ModelVersion, Search, check_stage
from faena.tidying import deleting
from faena.tidying.schemas import DeletionRequest
from tests.cli.terminal import within
from tests.databases import Databases

FILE = ModelFile("model.npz", digests.of_bytes(b"weights"), 7)


class Registry:
    """A database with a model `bare` without versions, and `net` with two."""

    def __init__(self, databases: Databases, place: Path) -> None:
        self.database = databases.open(place / "faena.db")
        tags = {"team": "a"}
        self.write(lambda write: names.create(write, "bare", 5, description="to come", tags=tags))
        for number in (10, 20):
            self.add("net", number)

    def write(self, work: Callable[..., Any]) -> Any:
        return self.database.submit_write(work).result()

    def read(self, work: Callable[[Read], Any]) -> Any:
        return self.database.submit_read(work).result()

    def add(self, name: str, now: int, **given: Any) -> Any:
        model = ModelVersion(name, 0, None, "/m", now, files=(FILE,), **given)
        return self.write(lambda write: service.add(write, model, f"{name}-{now}"))

    def delete(self, *models: str, now: int = 90) -> Any:
        asked = DeletionRequest(models=models, user="me")
        return self.write(lambda write: deleting.make(write, [], asked, now))

    def names(self) -> dict[str, int]:
        return {each.name: each.versions for each in self.read(names.listed)}


@pytest.fixture
def registry(databases: Databases, tmp_path: Path) -> Registry:
    return Registry(databases, tmp_path)


def test_one_is_there_without_a_version(registry: Registry) -> None:
    assert registry.names() == {"bare": 0, "net": 2}
    [bare, net] = registry.read(lambda read: listing.latest(read, "", 0, 9))[0]
    assert (bare.version, bare.versions, bare.description, bare.tags) == (0, 0, "to come", {"team": "a"})
    assert (net.version, net.versions) == (2, 2)
    with pytest.raises(Conflict, match="There is a model 'net' already"):
        registry.write(lambda write: names.create(write, "net", 30))
    assert registry.add("bare", 30).version == 1
    assert registry.read(lambda read: names.get(read, "bare")).description == "to come"


def test_one_that_was_registered_goes_with_its_last_version(registry: Registry) -> None:
    registry.delete("net:1")
    assert registry.names() == {"bare": 0, "net": 1}
    registry.delete("net:2")
    assert registry.names() == {"bare": 0}


def test_one_that_is_deleted_comes_back_whole_and_begins_anew(registry: Registry) -> None:
    deletion = registry.delete("bare")
    assert deletion.what == "1 model: bare"
    assert registry.names() == {"net": 2}
    registry.write(lambda write: deleting.undo(write, deletion.id))
    assert registry.read(lambda read: names.get(read, "bare")).tags == {"team": "a"}
    registry.delete("bare")
    registry.add("bare", 95)
    found = registry.read(lambda read: names.get(read, "bare"))
    assert (found.description, found.tags, found.created_at) == ("", {}, 95)


def test_another_name_takes_all_along(registry: Registry) -> None:
    registry.write(lambda write: aliasing.put(write, "net", "champion", 2, 30))
    registry.write(lambda write: names.set_tags(write, "net", {"k": "v"}))
    registry.write(lambda write: renaming.rename(write, "net", "Größe 1", 40))
    assert registry.names() == {"Größe 1": 2, "bare": 0}
    found = registry.read(lambda read: aliasing.get(read, "Größe 1", "champion"))
    assert (found.version, found.files, found.changed_at) == (2, (FILE,), 40)
    assert registry.read(lambda read: names.get(read, "Größe 1")).tags == {"k": "v"}
    assert registry.add("Größe 1", 50).version == 3
    same = ModelVersion("Größe 1", 0, None, "/m", 60, files=(FILE,))
    again = registry.write(lambda write: service.add(write, same, "net-10"))  # as it was asked before
    assert again.id == "Größe 1:1"
    with pytest.raises(ModelNotFoundException):
        registry.read(lambda read: service.get(read, "net", None))
    registry.write(lambda write: renaming.rename(write, "Größe 1", "net", 70))
    registry.write(lambda write: aliasing.remove(write, "net", "champion", None))
    registry.delete("net")
    registry.add("other", 80)
    with pytest.raises(Conflict, match="its number 1 is never given out again"):
        registry.write(lambda write: renaming.rename(write, "other", "net", 90))


def test_stages(registry: Registry) -> None:
    def move(version: int, stage: str | None, **given: bool) -> Any:
        return registry.write(lambda write: staging.move(write, "net", version, stage, 50, **given))

    assert move(1, "production").stage == "Production"
    assert registry.read(lambda read: names.get(read, "net")).changed_at == 50
    move(2, "Production", archive_others=True)
    views = registry.read(lambda read: service.list_models(read, Search(name="net"), latest=False))
    stages = {view.version: view.stage for view in views}
    assert stages == {1: "Archived", 2: "Production"}
    assert move(2, None).stage == ""
    with pytest.raises(WebserviceException, match="'best' is no stage of a model"):
        move(2, "best")


@pytest.mark.parametrize(("given", "kept"), [("", ""), ("NONE", ""), (None, ""), ("STAGING", "Staging")])
def test_a_stage_is_written_in_one_way(given: str | None, kept: str) -> None:
    assert check_stage(given) == kept


def test_in_python_and_on_the_command_line(
    lasting_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where models are brought
    (tmp_path / "m.bin").write_bytes(b"weights")
    model = Model.register(lasting_workspace, tmp_path / "m.bin", "Größe 1")
    assert model.stage is None
    model.set_stage("staging")
    assert model.serialize()["stage"] == "Staging"

    def say(*arguments: str) -> str:
        return within(lasting_workspace.folder, *arguments).stdout.decode()

    assert say("stage-model", "Größe 1", "Production") == "Größe 1:1 is in Production.\n"
    assert "Production" in say("models")
    assert "Production" in say("show-model", "Größe 1")
    path = Path(Model.get_model_path("Größe 1", _workspace=lasting_workspace))
    assert path.read_bytes() == b"weights"
    model.delete()


def test_a_name_that_can_be_a_folders() -> None:
    for name in ("net", "Größe 1", "50%", "a+b", "-x", "🙂", "x" * 255):
        assert model_names.refusal(name) is None
    refused: list[object] = ["a/b", "a\\b", "a:1", "a@b", "a%2fb", ".a", "a\tb", " a", "", "🙂" * 64, 3]
    for wrong in refused:
        assert model_names.refusal(wrong)
