"""Models registered from files of this machine."""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faena import Model, Workspace
from faena.kernel.errors import (
    Conflict,
    ModelNotFoundException,
    UserErrorException,
    WebserviceException,
)
from faena.models import local_files as collecting
from faena.models.local_files import collect
from faena.testing.waiting import until


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "model.npz"
    path.write_bytes(b"weights" * 1000)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "net"
    (path / "vocab").mkdir(parents=True)
    (path / "model.bin").write_bytes(b"bin")
    (path / "vocab" / "words.txt").write_text("words")
    (path / ".gitignore").write_text("*.bin\n")
    return path


class TestRegistering:
    @pytest.fixture
    def workspace(self, lasting_workspace: Workspace) -> Iterator[Workspace]:
        """The module's, left without a model."""
        yield lasting_workspace
        for model in Model.list(lasting_workspace):
            model.delete()

    @pytest.fixture
    def name(self) -> str:
        """One that no model has had: numbers of versions do not come back."""
        return f"net-{secrets.token_hex(4)}"

    @pytest.mark.long
    def test_a_file_has_its_base_name_and_comes_back(
        self,
        workspace: Workspace,
        name: str,
        weights: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        model = Model.register(workspace, weights, name, tags={"area": "digits", "n": 3}, description="d")
        assert capsys.readouterr().out == f"Registering model {name}\n"
        assert (model.id, model.version, model.files) == (f"{name}:1", 1, ["model.npz"])
        assert (model.tags, model.description) == ({"area": "digits", "n": "3"}, "d")
        assert (model.run_id, model.run, model.experiment_name) == (None, None, None)
        path = Path(model.download(tmp_path / "there"))
        assert path == tmp_path / "there" / "model.npz"
        assert path.read_bytes() == weights.read_bytes()

    def test_a_folder_keeps_its_name_and_nothing_of_it_is_ignored(
        self, workspace: Workspace, name: str, folder: Path, tmp_path: Path
    ) -> None:
        model = Model.register(workspace, str(folder) + "/", name)
        assert model.files == ["net/.gitignore", "net/model.bin", "net/vocab/words.txt"]
        path = Path(model.download(tmp_path / "there"))
        assert (path / "vocab" / "words.txt").read_text() == "words"

    def test_a_relative_path(
        self, workspace: Workspace, name: str, weights: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(weights.parent)
        assert Model.register(workspace, "model.npz", name).files == ["model.npz"]
        assert Model.register(workspace, "./x/../model.npz", name).files == ["model.npz"]

    def test_child_paths_choose(self, workspace: Workspace, name: str, folder: Path) -> None:
        model = Model.register(workspace, folder, name, child_paths=["vocab", "model.bin"])
        assert model.files == ["net/model.bin", "net/vocab/words.txt"]

    def test_the_file_stays_its_owners(
        self, workspace: Workspace, name: str, weights: Path, tmp_path: Path
    ) -> None:
        """Never a second name for a file that somebody may write: the version would change with it."""
        before = weights.stat()
        model = Model.register(workspace, weights, name)
        assert (weights.stat().st_nlink, weights.stat().st_mode) == (1, before.st_mode)
        with weights.open("r+b") as file:
            file.write(b"SPOILED")
        assert Path(model.download(tmp_path / "there")).read_bytes() == b"weights" * 1000

    def test_framework_datasets_and_created_time(
        self, workspace: Workspace, name: str, weights: Path
    ) -> None:
        model = Model.register(
            workspace,
            weights,
            name,
            model_framework=Model.Framework.CHAINER,
            model_framework_version="7.8.1",
            datasets=[("training", "dataset-1"), ("training", "dataset-2")],
        )
        assert (model.model_framework, model.model_framework_version) == ("Chainer", "7.8.1")
        assert model.datasets == {"training": ["dataset-1", "dataset-2"]}
        told = model.serialize()
        assert told.keys() >= {"id", "mimeType", "unpack", "url", "framework", "frameworkVersion", "datasets"}
        assert told["createdTime"] == model.created_time.isoformat()
        assert told["runDetails"] is None
        assert Model(workspace, name, model_framework="Chainer").version == 1
        with pytest.raises(ModelNotFoundException, match="ONNX"):
            Model(workspace, name, model_framework="ONNX")

    def test_a_framework_version_needs_a_framework(
        self, workspace: Workspace, name: str, weights: Path
    ) -> None:
        with pytest.raises(WebserviceException, match="no model_framework is given"):
            Model.register(workspace, weights, name, model_framework_version="7.8.1")
        assert Model.list(workspace) == []

    def test_a_repeated_request_gives_the_same_version(
        self, workspace: Workspace, name: str, weights: Path
    ) -> None:
        first = Model.register(workspace, weights, name, request_id="r1")
        assert Model.register(workspace, weights, name, request_id="r1").version == first.version == 1
        with pytest.raises(Conflict, match="r1"):
            Model.register(workspace, weights, "else", request_id="r1")
        first.delete()
        with pytest.raises(Conflict, match=f"{name}:1, which was deleted"):
            Model.register(workspace, weights, name, request_id="r1")

    @pytest.mark.long
    def test_a_hundred_at_once_give_a_hundred_versions(
        self, workspace: Workspace, name: str, folder: Path
    ) -> None:
        with ThreadPoolExecutor(20) as pool:
            made = list(pool.map(lambda _: Model.register(workspace, folder, name), range(100)))
        assert sorted(model.version for model in made) == list(range(1, 101))
        assert all(model.files == made[0].files for model in Model.list(workspace, name))


class TestRefused:
    @pytest.fixture
    def workspace(self, lasting_workspace: Workspace) -> Workspace:
        """The same for all: none of them leaves a model."""
        return lasting_workspace

    def refuse(self, workspace: Workspace, path: object, said: str) -> None:
        with pytest.raises(UserErrorException) as caught:
            Model.register(workspace, str(path), "net")
        assert said in caught.value.message
        assert Model.list(workspace) == []

    def test_a_missing_path_names_what_is_there(self, workspace: Workspace, folder: Path) -> None:
        with pytest.raises(WebserviceException) as caught:
            Model.register(workspace, folder / "modle.bin", "net")
        assert f"There is no model at '{folder}/modle.bin'" in caught.value.message
        assert f"'{folder}' holds: '.gitignore', 'model.bin', 'vocab'." in caught.value.message
        self.refuse(workspace, folder / "a" / "b", "holds: '.gitignore', 'model.bin', 'vocab'.")
        self.refuse(workspace, folder / "model.bin" / "b", "There is no model at")

    @pytest.mark.parametrize("target", ["../secret", "../secret/id", "/etc/hostname", "..", "/"])
    def test_links_out_of_the_folder(self, workspace: Workspace, folder: Path, target: str) -> None:
        (folder.parent / "secret").mkdir()
        (folder.parent / "secret" / "id").write_text("secret")
        (folder / "vocab" / "door").symlink_to(target if target.startswith("/") else f"../{target}")
        self.refuse(workspace, folder, "The link 'vocab/door' leads out of the model's folder, to ")

    @pytest.mark.parametrize("target", [".", "..", "../vocab"])
    def test_loops(self, workspace: Workspace, folder: Path, target: str) -> None:
        (folder / "vocab" / "loop").symlink_to(target)
        self.refuse(workspace, folder, "The link 'vocab/loop' in the model's folder leads back to")

    def test_links_to_nothing_and_to_each_other(self, workspace: Workspace, folder: Path) -> None:
        (folder / "gone").symlink_to("nothing")
        self.refuse(workspace, folder, "'gone' in the model's folder is a link to nothing")
        (folder / "gone").unlink()
        (folder / "one").symlink_to("two")
        (folder / "two").symlink_to("one")
        self.refuse(workspace, folder, "in the model's folder cannot be followed")

    def test_fifos_sockets_and_devices(self, workspace: Workspace, folder: Path) -> None:
        os.mkfifo(folder / "pipe")
        self.refuse(workspace, folder, "'pipe' in the model's folder is a FIFO")
        self.refuse(workspace, folder / "pipe", "is a FIFO. A model is a file or a folder of files.")
        (folder / "pipe").unlink()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.relpath(folder / "sock"))
            self.refuse(workspace, folder, "'sock' in the model's folder is a socket")
        self.refuse(workspace, "/dev/null", "is a device")

    def test_folders_without_files(self, workspace: Workspace, tmp_path: Path) -> None:
        (tmp_path / "empty" / "deep").mkdir(parents=True)
        self.refuse(workspace, tmp_path / "empty", "holds no file")
        self.refuse(workspace, "/", "The whole file system cannot be a model")

    def test_names_that_no_other_machine_could_spell(self, workspace: Workspace, folder: Path) -> None:
        (folder / os.fsdecode(b"caf\xe9.bin")).write_text("x")
        self.refuse(workspace, folder, "is not Unicode text")
        self.refuse(workspace, folder / os.fsdecode(b"caf\xe9.bin"), "is not UTF-8")

    @pytest.mark.parametrize("path", ["a\0b", "x" * 5000, ""])
    def test_paths_that_cannot_be(self, workspace: Workspace, path: str, tmp_path: Path) -> None:
        with pytest.raises(UserErrorException):
            Model.register(workspace, tmp_path / path if path else path, "net")
        assert Model.list(workspace) == []

    @pytest.mark.parametrize(
        "child", ["../secret", "/etc/passwd", "a/../../b", "", "none", "a\0b", "door/id"]
    )
    def test_child_paths_that_leave_the_folder_or_are_not_there(
        self, workspace: Workspace, folder: Path, child: str
    ) -> None:
        (folder.parent / "secret").mkdir()
        (folder.parent / "secret" / "id").write_text("secret")
        (folder / "door").symlink_to("../secret")
        with pytest.raises(WebserviceException):
            Model.register(workspace, folder, "net", child_paths=[child])
        with pytest.raises(WebserviceException, match="Use a list"):
            Model.register(workspace, folder, "net", child_paths="vocab")

    @pytest.mark.parametrize(
        "name", ["", "a/b", " a", "ñ" * 128, "x" * 256, "../x", "\0", "a%2fb", "a@b", "a:1", ".a"]
    )
    def test_names_that_cannot_be(self, workspace: Workspace, weights: Path, name: str) -> None:
        with pytest.raises(WebserviceException, match="is not a valid model name"):
            Model.register(workspace, weights, name)

    def test_what_cannot_be_read_is_named(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            root = Path(place)
            root.chmod(0o755)
            (root / "shut" / "x").mkdir(parents=True)
            (root / "shut").chmod(0)
            user = os.geteuid()
            try:
                if user == 0:  # root reads everything
                    os.seteuid(65534)
                with pytest.raises(WebserviceException, match="'shut' cannot be read: Permission denied"):
                    collect(str(root))
            finally:
                os.seteuid(user)
                (root / "shut").chmod(0o755)

    def test_a_bomb_of_links_ends(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(collecting, "MOST_FILES", 1000)
        (folder / "d0").mkdir()
        for depth in range(1, 20):
            (folder / f"d{depth}").mkdir()
            for name in "ab":
                (folder / f"d{depth}" / name).symlink_to(f"../d{depth - 1}")
        with pytest.raises(WebserviceException, match="more than 1,000 files"):
            collect(str(folder))


@pytest.mark.long
def test_a_file_that_is_written_meanwhile_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    growing = tmp_path / "growing.bin"
    growing.write_bytes(bytes(50_000_000))
    stop = threading.Event()

    def grow() -> None:
        with growing.open("ab", buffering=0) as file:
            while not stop.is_set():
                file.write(b"x")

    def is_refused() -> bool:
        try:
            Model.register(
                workspace, growing, "net"
            )  # on a busy machine the writer may have had no turn meanwhile
        except UserErrorException as error:
            assert "growing.bin changed while it was read" in error.message
            return True
        return False

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        until(is_refused, "a file changed while it was read")
    finally:
        stop.set()
        writer.join()


class TestLinksInside:
    def test_are_kept_as_what_they_point_to(self, workspace: Workspace, tmp_path: Path) -> None:
        """As in caches of models: blobs by digest, and names that link to them."""
        cache = tmp_path / "cache"
        (cache / "blobs").mkdir(parents=True)
        (cache / "blobs" / "abc").write_text("weights")
        (cache / "latest").mkdir()
        (cache / "latest" / "model.bin").symlink_to("../blobs/abc")
        model = Model.register(workspace, cache, "net")
        assert model.files == ["cache/blobs/abc", "cache/latest/model.bin"]
        assert Model.register(workspace, cache / "latest" / "model.bin", "file").files == ["model.bin"]
        assert len({file.digest for file in model.view.files}) == 1
