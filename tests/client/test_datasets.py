"""File datasets: what they are made of, versions, what they hold here."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faena import Dataset, Datastore, ScriptRunConfig, Workspace
from faena.client.data.data_reference import DataPath
from faena.client.data.dataset import DatasetConsumptionConfig
from faena.data.datasets.schemas import DatasetRequest, Source
from faena.kernel.errors import Conflict, NotFound, UserErrorException
from tests.data.hostile import LEAVING
from tests.data.web import Site, site


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


@pytest.fixture
def store(workspace: Workspace, tmp_path: Path) -> Datastore:
    """With `images/1.png`, `images/deep/2.png`, `images/note.txt` and `words/a.txt`."""
    source = tmp_path / "given"
    for name in ("images/1.png", "images/deep/2.png", "images/note.txt", "words/a.txt"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    store = workspace.get_default_datastore()
    store.upload(source, show_progress=False)
    return store


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with site() as made:
        made.pages = {"/mnist/train.gz": b"train", "/mnist/t10k.gz": b"t10k"}
        yield made


def test_forms_of_paths_and_the_names_of_files(store: Datastore) -> None:
    make = Dataset.File.from_files
    assert make(store.path("images")).to_path() == ["/1.png", "/deep/2.png", "/note.txt"]
    assert make((store, "images/*.png")).to_path() == ["/1.png"]
    assert make((store, "images/**/*.png")).to_path() == ["/1.png", "/deep/2.png"]
    assert make([(store, "images/deep"), DataPath(store, "words/a.txt")]).to_path() == [
        "/images/deep/2.png",
        "/words/a.txt",
    ]
    assert make((store, ["images/note.txt", "images/1.png"])).to_path() == ["/1.png", "/note.txt"]
    assert len(make((store, "")).to_path()) == 4
    assert make(store).id == make((store, "./")).id


def test_what_is_not_there_is_named(store: Datastore) -> None:
    for path in ("nothing", "images/*.jpg", "nothing/**"):
        with pytest.raises(NotFound, match=rf"'workspaceblobstore' .*{path.replace('*', '.')}"):
            Dataset.File.from_files((store, path))
        assert Dataset.File.from_files((store, path), validate=False).id


class TestVersions:
    def test_they_count_from_one_and_the_same_paths_are_the_same_version(
        self, store: Datastore, workspace: Workspace
    ) -> None:
        images = Dataset.File.from_files((store, "images"))
        first = images.register(workspace, "MNIST images", description="digits", tags={"a": 1})
        assert (first.name, first.version, first.description, first.tags) == (
            "MNIST images",
            1,
            "digits",
            {"a": "1"},
        )
        assert images.register(workspace, "MNIST images").id == first.id
        words = Dataset.File.from_files((store, "words"))
        with pytest.raises(Conflict, match="create_new_version=True"):
            words.register(workspace, "MNIST images")
        second = words.register(workspace, "MNIST images", create_new_version=True)
        assert second.version == 2
        assert words.register(workspace, "MNIST images", create_new_version=True).version == 3
        assert Dataset.get_by_name(workspace, "MNIST images").version == 3
        assert Dataset.get_by_name(workspace, "MNIST images", version=1).to_path() == images.to_path()
        assert Dataset.get_by_name(workspace, "MNIST images", version="2").id == second.id
        assert Dataset.get_by_id(workspace, str(first.id)).version == 1
        images.register(workspace, "other")
        assert {name: found.version for name, found in workspace.datasets.items()} == {
            "MNIST images": 3,
            "other": 1,
        }
        assert [found.name for found in Dataset.list(workspace)] == ["MNIST images", "other"]

    def test_a_repeated_request_has_no_second_effect(self, store: Datastore, workspace: Workspace) -> None:
        request = DatasetRequest((Source(store.name, "images"),), "images", create_new_version=True)
        for _ in range(2):
            assert workspace.api.data.put_dataset("ds-0123456789abcdef", request).version == 1
        other = DatasetRequest((Source(store.name, "words"),), "images", create_new_version=True)
        with pytest.raises(Conflict, match="new id"):
            workspace.api.data.put_dataset("ds-0123456789abcdef", other)

    def test_what_is_not_there(self, store: Datastore, workspace: Workspace) -> None:
        with pytest.raises(NotFound, match=r"'none'.*Registered: "):
            Dataset.get_by_name(workspace, "none")
        Dataset.File.from_files((store, "words")).register(workspace, "words")
        with pytest.raises(NotFound, match=r"no version 7; its latest is 1"):
            Dataset.get_by_name(workspace, "words", version=7)
        with pytest.raises(NotFound, match="no dataset with the id"):
            Dataset.get_by_id(workspace, "ds-0")
        for version in ("0", "-1", "1.0", "x", "\uff11", "9" * 30, True):
            with pytest.raises(UserErrorException, match="is no version"):
                Dataset.get_by_name(workspace, "words", version=version)

    def test_names_that_cannot_be(self, store: Datastore, workspace: Workspace) -> None:
        words = Dataset.File.from_files((store, "words"))
        for name in ("", "a/b", "../a", "a%2fb", "ä", " a", "a ", "a\n", "a" * 256, "😀"):
            with pytest.raises(UserErrorException, match="dataset name"):
                words.register(workspace, name)
        for name in ("1a", "a-b", "a b", "", "path\n", "a" * 256, "é"):
            with pytest.raises(UserErrorException, match="input name"):
                words.as_named_input(name)
        assert words.as_named_input("Images_1").name == "Images_1"


class TestContents:
    def test_downloading(self, store: Datastore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        dataset = Dataset.File.from_files((store, "images/**/*.png"))
        found = dataset.download(tmp_path / "out")
        assert found == [str(tmp_path / "out" / "1.png"), str(tmp_path / "out" / "deep" / "2.png")]
        assert Path(found[1]).read_text() == "images/deep/2.png"
        with pytest.raises(UserErrorException, match=r"1.png exists already.*overwrite=True"):
            dataset.download(tmp_path / "out")
        assert dataset.download(tmp_path / "out", overwrite=True) == found
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        assert Path(dataset.download()[0]).name == "1.png"

    def test_mounting(self, store: Datastore, tmp_path: Path) -> None:
        dataset = Dataset.File.from_files((store, "images"))
        with dataset.mount() as mounted:
            assert sorted(place.name for place in Path(mounted.mount_point).iterdir()) == [
                "1.png",
                "deep",
                "note.txt",
            ]
            assert (Path(mounted.mount_point) / "deep" / "2.png").read_text() == "images/deep/2.png"
        assert not Path(mounted.mount_point).exists()
        place = tmp_path / "place"
        place.mkdir()
        mounted = dataset.mount(place)
        mounted.start()
        (place / "deep" / "mine").write_text("mine")
        mounted.stop()
        assert [found.name for found in place.rglob("*") if found.is_file()] == ["mine"]
        with pytest.raises(UserErrorException, match="is not empty"):
            dataset.mount(place).start()
        assert (store.folder / "images" / "1.png").exists()

    def test_links_out_of_the_datastore_are_not_part_of_it(self, store: Datastore, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("secret")
        (store.folder / "images" / "secret").symlink_to(tmp_path / "secret")
        assert "/secret" not in Dataset.File.from_files((store, "images")).to_path()
        with pytest.raises(UserErrorException, match="link out"):
            Dataset.File.from_files((store, "images/secret"))


class TestAddresses:
    def test_they_are_named_by_path_and_fetched_when_needed(
        self, web: Site, workspace: Workspace, tmp_path: Path
    ) -> None:
        dataset = Dataset.File.from_files([f"{web.address}/mnist/train.gz", f"{web.address}/mnist/t10k.gz"])
        assert dataset.to_path() == ["/t10k.gz", "/train.gz"]
        assert web.asked == []
        registered = dataset.register(workspace, "mnist")
        for _ in range(2):
            registered.download(tmp_path / "out", overwrite=True)
        assert (tmp_path / "out" / "train.gz").read_bytes() == b"train"
        assert sorted(web.asked) == ["/mnist/t10k.gz", "/mnist/train.gz"]

    def test_a_failure_names_the_address(self, web: Site, tmp_path: Path) -> None:
        with pytest.raises(UserErrorException, match=rf"{web.address}/none.gz.*404"):
            Dataset.File.from_files(f"{web.address}/none.gz").download(tmp_path / "out")


class TestLocalFiles:
    def test_they_are_uploaded_when_registered(self, workspace: Workspace, tmp_path: Path) -> None:
        source = tmp_path / "mine"
        (source / "deep").mkdir(parents=True)
        (source / "a.csv").write_text("a")
        (source / "deep" / "b.csv").write_text("b")
        dataset = Dataset.File.from_files(str(source / "**" / "*.csv"))
        assert dataset.to_path() == ["/a.csv", "/deep/b.csv"]
        with pytest.raises(UserErrorException, match=r"register\(workspace, name\)"):
            dataset.as_mount().data_input()
        first = dataset.register(workspace, "mine")
        assert first.to_path() == ["/a.csv", "/deep/b.csv"]
        assert dataset.register(workspace, "mine").version == 1
        single = Dataset.File.from_files(source / "a.csv", workspace=workspace)
        assert single.to_path() == ["/a.csv"]
        (source / "a.csv").write_text("changed")
        with pytest.raises(Conflict):
            dataset.register(workspace, "mine")
        assert Path(first.download(tmp_path / "out")[0]).read_text() == "a"

    def test_they_are_uploaded_when_a_run_that_reads_them_is_sent(
        self, workspace: Workspace, tmp_path: Path
    ) -> None:
        source = tmp_path / "mine"
        source.mkdir()
        (source / "a.csv").write_text("a")
        dataset = Dataset.File.from_files(str(source))
        mounted = dataset.as_mount()
        config = ScriptRunConfig(tmp_path, "train.py", ["--data", mounted])
        given: dict[str, Any] = {
            "experiment": "e",
            "snapshot": "0" * 64,
            "git": None,
            "tags": {},
            "user": "u",
        }
        sent = config.submission(**given, session=workspace)
        assert sent.arguments == ("--data", sent.inputs[0].token) == ("--data", str(mounted))
        assert sent.inputs[0].sources[0].path.startswith("from_files/")
        assert dataset.to_path() == ["/a.csv"]
        assert config.submission(**given, session=workspace).inputs == sent.inputs

    def test_what_cannot_be_uploaded(self, workspace: Workspace, tmp_path: Path) -> None:
        source = tmp_path / "mine"
        source.mkdir()
        (source / "a").write_text("a")
        (source / "out").symlink_to("/etc/passwd")
        with pytest.raises(UserErrorException, match="link out"):
            Dataset.File.from_files(source).register(workspace, "mine")
        for path in (tmp_path / "none", tmp_path / "*.none", "/dev/zero"):
            with pytest.raises(UserErrorException, match=r"nothing at|no regular file"):
                Dataset.File.from_files(path)


def test_a_folder_uploaded_and_made_a_dataset(store: Datastore, tmp_path: Path) -> None:
    dataset = Dataset.File.upload_directory(
        tmp_path / "given" / "words", (store, "again"), show_progress=False
    )
    assert dataset.to_path() == ["/a.txt"]
    with pytest.raises(UserErrorException, match="is no place"):
        Dataset.File.upload_directory(tmp_path, "http://x/y", show_progress=False)


def test_inputs(store: Datastore, workspace: Workspace) -> None:
    dataset = Dataset.File.from_files((store, "words"))
    named = dataset.as_named_input("words")
    data = named.as_download("here").data_input()
    assert (data.token, data.variable, data.mode) == ("$AZUREML_DATASET_words", "words", "download")
    assert (data.dataset, data.sources) == ("", (Source(store.name, "words"),))
    assert named.data_input().mode == "direct"
    assert dataset.as_mount().data_input().token == str(dataset.as_mount())
    registered = dataset.register(workspace, "words").as_named_input("words").as_mount("/tmp/x").data_input()
    assert (registered.sources, registered.path_on_compute) == ((), "/tmp/x")
    with pytest.raises(UserErrorException, match="'direct', 'mount' or 'download'"):
        DatasetConsumptionConfig("words", dataset, "hdfs")  # type: ignore[arg-type]  # the mistake that is meant


def test_hostile_paths(store: Datastore, workspace: Workspace) -> None:
    for path in LEAVING:
        with pytest.raises(UserErrorException):
            Dataset.File.from_files((store, path), validate=False)
    bad: list[tuple[Source, ...]] = [
        (Source(store.name, "../x"),),
        (Source(store.name, "a/"),),
        (Source("none", "x"),),
        (Source(store.name, "x", "http://x/y"),),
        (Source(url="file:///etc/passwd"),),
        (Source(),),
        (),
    ]
    for sources in bad:
        with pytest.raises(UserErrorException):
            workspace.api.data.put_dataset("ds-0123456789abcdef", DatasetRequest(sources))
    unusable: list[object] = [3, None, [], [[]], "ftp://x/y", "file:/etc/passwd", "wasbs://c@a/x", "a\0b", ""]
    for given in unusable:
        with pytest.raises(UserErrorException):
            Dataset.File.from_files(given)
