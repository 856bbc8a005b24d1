"""Datastores: what is there, what may be registered, what goes in and out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from faena import DataReference, Datastore, Workspace
from faena.client.workspaces.session import Session
from faena.data.datastores.schemas import TakeRequest
from faena.kernel.errors import Conflict, NotCovered, NotFound, UserErrorException
from tests.data.hostile import HARMLESS, LEAVING


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with `a.txt` and `deep/b.txt`."""
    folder = tmp_path / "given"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "deep" / "b.txt").write_text("bb")
    return folder


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Iterator[Workspace]:
    """The module's, left with its two datastores, and those empty."""
    yield lasting_workspace
    lasting_workspace.set_default_datastore("workspaceblobstore")
    for name, store in lasting_workspace.datastores.items():
        if name.startswith("workspace"):
            shutil.rmtree(store.folder, ignore_errors=True)
        else:
            store.unregister()


@pytest.fixture
def store(workspace: Workspace) -> Datastore:
    return workspace.get_default_datastore()


def paths(store: Datastore) -> list[str]:
    return [file.path for file in store.workspace.api.data.files(store.name, "").files]


class TestRegistering:
    def test_each_workspace_has_two(self, workspace: Workspace) -> None:
        assert [*workspace.datastores] == ["workspaceblobstore", "workspacefilestore"]
        default = workspace.get_default_datastore()
        assert (default.name, default.datastore_type) == ("workspaceblobstore", "AzureBlob")
        assert (default.account_name, default.container_name) == ("test", "workspaceblobstore")
        assert default.folder.is_relative_to(workspace.files.path / "datastores")

    def test_a_local_folder(self, workspace: Workspace, source: Path) -> None:
        Datastore.register_local_folder(workspace, "mine", source)
        Datastore.register_local_folder(workspace, "mine", source)
        store = Datastore.get(workspace, "mine")
        assert (store.folder, store.datastore_type) == (source, "LocalFolder")
        assert paths(store) == ["a.txt", "deep/b.txt"]
        workspace.set_default_datastore("mine")
        assert workspace.get_default_datastore().name == "mine"
        store.unregister()
        assert workspace.get_default_datastore().name == "workspaceblobstore"
        assert (source / "a.txt").exists()

    def test_a_name_stands_for_one_folder(self, workspace: Workspace, source: Path) -> None:
        Datastore.register_local_folder(workspace, "mine", source)
        with pytest.raises(Conflict, match=r"'mine' stands for .*overwrite"):
            Datastore.register_local_folder(workspace, "mine", source / "deep")
        store = Datastore.register_local_folder(workspace, "mine", source / "deep", overwrite=True)
        assert paths(store) == ["b.txt"]
        for name in ("workspaceblobstore", "workspacefilestore"):
            with pytest.raises(Conflict, match="Every workspace"):
                Datastore.register_local_folder(workspace, name, source, overwrite=True)
            with pytest.raises(UserErrorException, match="cannot be unregistered"):
                Datastore(workspace, name).unregister()

    def test_of_a_hundred_at_once_one_wins(self, workspace: Workspace, tmp_path: Path) -> None:
        def register(number: int) -> bool:
            folder = tmp_path / "many" / str(number)
            folder.mkdir(parents=True)
            try:
                Datastore.register_local_folder(workspace, "one", folder)
            except Conflict:
                return False
            return True

        with ThreadPoolExecutor(20) as pool:
            assert sum(pool.map(register, range(100))) == 1

    def test_what_is_no_folder_to_register(self, workspace: Workspace, source: Path) -> None:
        refused: list[str | Path] = ["/", source / "a.txt", source / "nothing", "/a\0b", "/" + "a" * 5000]
        for folder in [*refused, workspace.folder, workspace.files.path, workspace.files.path / "objects"]:
            with pytest.raises(UserErrorException):
                Datastore.register_local_folder(workspace, "mine", folder)
        (source / "loop").symlink_to("loop")
        with pytest.raises(UserErrorException, match="cannot be registered"):
            Datastore.register_local_folder(workspace, "mine", source / "loop")
        assert "mine" not in workspace.datastores

    def test_names(self, workspace: Workspace, source: Path) -> None:
        for name in ["", "a/b", "..", "a%2fb", "a b", "ä", "a" * 256, "a\n", "é"]:
            with pytest.raises(UserErrorException, match="datastore name"):
                Datastore.register_local_folder(workspace, name, source)
            with pytest.raises(UserErrorException, match="datastore name"):
                Datastore(workspace, name)

    def test_one_that_is_not_there_names_those_that_are(self, workspace: Workspace) -> None:
        with pytest.raises(NotFound, match=r"'none'.*workspaceblobstore, workspacefilestore"):
            Datastore(workspace, "none")
        with pytest.raises(NotFound, match="'none'"):
            workspace.set_default_datastore("none")

    def test_a_registered_folder_that_is_gone_is_named(self, workspace: Workspace, tmp_path: Path) -> None:
        (tmp_path / "usb").mkdir()
        store = Datastore.register_local_folder(workspace, "usb", tmp_path / "usb")
        (tmp_path / "usb").rmdir()
        with pytest.raises(UserErrorException, match=r"usb.*is gone"):
            store.download(tmp_path / "out")

    def test_stores_of_the_cloud_say_when_they_come(self, workspace: Workspace) -> None:
        for name in ("register_azure_blob_container", "register_azure_file_share", "register_hdfs"):
            with pytest.raises(NotCovered, match=rf"{name}.*shared server.*register_local_folder"):
                getattr(Datastore, name)(workspace, "x", container_name="c", account_name="a")


class TestFiles:
    def test_a_folder_goes_in_and_comes_back(
        self, store: Datastore, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        reference = store.upload(source, target_path="mnist")
        assert (reference.path_on_datastore, reference.mode) == ("mnist", "mount")
        assert paths(store) == ["mnist/a.txt", "mnist/deep/b.txt"]
        assert store.download(tmp_path / "back", prefix="mnist/deep") == 1
        assert (tmp_path / "back" / "mnist" / "deep" / "b.txt").read_text() == "bb"
        assert capsys.readouterr().out.splitlines() == [
            "Uploading an estimated of 2 files",
            f"Uploading {source}/a.txt",
            f"Uploaded {source}/a.txt, 1 files out of an estimated total of 2",
            f"Uploading {source}/deep/b.txt",
            f"Uploaded {source}/deep/b.txt, 2 files out of an estimated total of 2",
            "Uploaded 2 files",
            "Downloading mnist/deep/b.txt",
            "Downloaded mnist/deep/b.txt, 1 files out of an estimated total of 1",
        ]

    def test_what_is_there_stays_unless_told(
        self, store: Datastore, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        store.upload(source, show_progress=False)
        (source / "a.txt").write_text("changed")
        store.upload(source)
        assert "Target already exists. Skipping upload for a.txt" in capsys.readouterr().out
        assert (store.folder / "a.txt").read_text() == "a"
        store.upload(source, overwrite=True, show_progress=False)
        assert (store.folder / "a.txt").read_text() == "changed"
        assert store.download(tmp_path / "out", show_progress=False) == 2
        (tmp_path / "out" / "a.txt").write_text("mine")
        assert store.download(tmp_path / "out") == 0
        assert "Path already exists. Skipping download for" in capsys.readouterr().out
        assert (tmp_path / "out" / "a.txt").read_text() == "mine"
        assert store.download(tmp_path / "out", overwrite=True, show_progress=False) == 2

    def test_single_files(self, store: Datastore, source: Path) -> None:
        files = [source / "a.txt", source / "deep" / "b.txt"]
        store.upload_files([source / "deep" / "b.txt"], target_path="flat", show_progress=False)
        store.upload_files(files, target_path="both", show_progress=False)
        store.upload_files(files, relative_root=source.parent, show_progress=False)
        assert paths(store) == [
            "both/a.txt",
            "both/deep/b.txt",
            "flat/b.txt",
            "given/a.txt",
            "given/deep/b.txt",
        ]
        with pytest.raises(UserErrorException, match=r"not below relative_root"):
            store.upload_files([source / "a.txt"], relative_root=source / "deep")
        with pytest.raises(UserErrorException, match="Use a list"):
            store.upload_files(str(source / "a.txt"))
        with pytest.raises(UserErrorException, match="There is no file"):
            store.upload_files([source / "none"])

    def test_removing(self, store: Datastore, source: Path) -> None:
        store.upload(source, show_progress=False)
        assert store.remove("deep") == 1
        assert paths(store) == ["a.txt"]
        with pytest.raises(NotFound, match="'deep'"):
            store.remove("deep")

    def test_a_folder_with_what_is_no_file_is_refused_whole(self, store: Datastore, source: Path) -> None:
        (source / "ssh").symlink_to("/etc")
        os.mkfifo(source / "pipe")
        with pytest.raises(UserErrorException, match=r"'ssh' is a link out of its folder.*"):
            store.upload(source)
        assert paths(store) == []
        with pytest.raises(UserErrorException, match="is no folder"):
            store.upload(source / "none")


def everything(workspace: Session, source: Path) -> list[Path]:
    """What there is in the workspace's folder, in the one that the files come from, and beside both."""
    places = [*workspace.folder.parent.rglob("*"), *source.parent.rglob("*")]
    return sorted(place for place in places if not place.name.startswith("faena.db"))


class TestHostilePaths:
    def test_every_field_refuses_what_could_leave(self, store: Datastore, source: Path) -> None:
        before = everything(store.workspace, source)
        for path in LEAVING:
            for call in (
                partial(store.upload, source, target_path=path, show_progress=False),
                partial(store.upload_files, [source / "a.txt"], target_path=path, show_progress=False),
                partial(store.path, path),
                partial(store.remove, path),
                partial(DataReference, store, path_on_datastore=path),
                partial(store.path("x").as_download, path_on_compute=f"{path}/.."),
            ):
                with pytest.raises(UserErrorException):
                    call()
        assert everything(store.workspace, source) == before

    def test_so_does_the_server(self, store: Datastore, source: Path) -> None:
        data = store.workspace.api.data
        data.files(store.name, "")  # makes the datastore's folder
        before = everything(store.workspace, source)
        for path in filter(_is_utf8, LEAVING):
            request = TakeRequest(path, str(source / "a.txt"), overwrite=True)
            for call in (
                partial(data.files, store.name, path),
                partial(data.take_file, store.name, request),
                partial(data.remove, store.name, path),
                partial(data.download_file, store.name, path, source / "stolen"),
            ):
                with pytest.raises(UserErrorException):
                    call()
        assert everything(store.workspace, source) == before

    def test_what_only_looks_like_it_is_a_name(self, store: Datastore, source: Path) -> None:
        for path in HARMLESS:
            store.upload_files([source / "a.txt"], target_path=path, show_progress=False)
            assert paths(store) == [f"{path}/a.txt"]
            assert store.download(source / "back", prefix=path, show_progress=False) == 1
            assert store.remove(path) == 1

    def test_a_link_laid_in_the_datastore_leads_nowhere(self, store: Datastore, source: Path) -> None:
        store.upload(source, show_progress=False)
        (store.folder / "out").symlink_to("/etc")
        data = store.workspace.api.data
        request = TakeRequest("out/x", str(source / "a.txt"), overwrite=True)
        for call in (
            lambda: data.files(store.name, "out"),
            lambda: data.files(store.name, "out/passwd"),
            lambda: data.take_file(store.name, request),
            lambda: data.download_file(store.name, "out/passwd", source / "stolen"),
            lambda: data.remove(store.name, "out/passwd"),
        ):
            with pytest.raises(UserErrorException, match="link out"):
                call()
        assert paths(store) == ["a.txt", "deep/b.txt"]
        assert not (source / "stolen").exists()

    def test_the_server_takes_regular_files_only(self, store: Datastore) -> None:
        for path in ["", "/dev/zero", "etc/passwd", "/etc", "/nowhere", "/a\0b", "/" + "a" * 5000]:
            with pytest.raises(UserErrorException, match="There is no file"):
                store.workspace.api.data.take_file(store.name, TakeRequest("x", path))


def _is_utf8(text: str) -> bool:
    return text.isascii()  # the only other one of the list is a surrogate, which JSON cannot carry


class TestReferences:
    def test_names_and_forms(self, store: Datastore) -> None:
        assert str(store.as_mount()) == "$AZUREML_DATAREFERENCE_workspaceblobstore"
        assert str(store.path("x", data_reference_name="in")) == "$AZUREML_DATAREFERENCE_in"
        made_up = store.path("./x")
        assert len(made_up.data_reference_name) == 32
        assert made_up.path_on_datastore == "x"
        assert made_up.as_download("here", overwrite=True).data_reference_name == made_up.data_reference_name
        data = made_up.path("y", "below").as_upload("there").data_input()
        assert (data.name, data.datastore, data.path, data.mode) == ("below", store.name, "x/y", "upload")
        assert (data.token, data.variable) == ("$AZUREML_DATAREFERENCE_below", "AZUREML_DATAREFERENCE_below")
        assert data.path_on_compute == "there"

    def test_as_configuration(self, store: Datastore) -> None:
        reference = DataReference(store, "in", "x", "download", "here", True)
        config = reference.to_config()
        assert (config.datastore_name, config.mode, config.path_on_datastore) == (store.name, "download", "x")
        assert (config.path_on_compute, config.overwrite) == ("here", True)
        assert config.data_input() == reference.data_input()
        assert config.named("other").data_input().token == "$AZUREML_DATAREFERENCE_other"

    def test_modes_and_names_that_cannot_be(self, store: Datastore) -> None:
        for mode in ("", "Mount", "write"):
            with pytest.raises(UserErrorException, match=r"'mount', 'download' or 'upload'"):
                DataReference(store, mode=mode)
        for name in ("a-b", "a b", "a=b", "a\n", "ä", "$(x)", "a" * 256):
            with pytest.raises(UserErrorException, match="data reference name"):
                store.path("x", data_reference_name=name)
