"""What a capture holds, how it sees changes, what it refuses."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from faena.data import index as indexes
from faena.data import snapshots
from faena.data.ignore import Rules
from faena.data.scan import Limit
from faena.data.schemas import Snapshot, SnapshotFile, manifest_digest
from faena.data.snapshots import Capture, capture
from faena.kernel import digests
from faena.kernel.errors import SnapshotException


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "train.py").write_text("print(1)\n")
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "state" / "indexes" / "source"


def write(folder: Path, path: str, content: str = "x") -> Path:
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content)
    return place


def paths(captured: Capture) -> list[str]:
    return [file.path for file in captured.snapshot.files]


def settle(index: Path) -> None:
    """Let the index be as if it had been written long after the files: past the margin of racy entries."""
    known = msgspec.msgpack.decode(index.read_bytes()[4:], type=indexes.Index)
    known.written += 10_000_000_000
    indexes.save(index, known)


class Reads:
    """Counts the files whose content a capture opens, by Python's own audit events of this thread's process."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder.resolve())
        self.seen: list[str] = []
        self.active = False
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.active and event == "open" and str(arguments[0]).startswith(self.folder):
            self.seen.append(os.path.relpath(str(arguments[0]), self.folder))

    @contextmanager
    def watch(self) -> Iterator[list[str]]:
        self.seen, self.active = [], True
        try:
            yield self.seen
        finally:
            self.active = False


class TestContent:
    def test_files_sizes_digests_and_modes_sorted_by_path(self, source: Path, index: Path) -> None:
        write(source, "b/z.txt", "zz")
        write(source, "b.txt", "")
        run = write(source, "a/run.sh", "#!/bin/sh\n")
        run.chmod(0o755)
        captured = capture(source, index=index)
        wanted = [
            ("a/run.sh", b"#!/bin/sh\n"),
            ("b.txt", b""),
            ("b/z.txt", b"zz"),
            ("train.py", b"print(1)\n"),
        ]
        assert captured.snapshot.files == tuple(
            SnapshotFile(path, len(data), hashlib.sha256(data).hexdigest(), path == "a/run.sh")
            for path, data in wanted
        )
        assert captured.snapshot.digest == manifest_digest(captured.snapshot.files)
        assert captured.warnings == ()

    def test_the_digest_tells_paths_contents_and_modes_apart_and_nothing_else(self, tmp_path: Path) -> None:
        def digest(path: str, content: str, mode: int) -> str:
            with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
                write(Path(folder), path, content).chmod(mode)
                return capture(Path(folder), index=tmp_path / "index").snapshot.digest

        base = digest("a", "1", 0o644)
        assert base == digest("a", "1", 0o600)
        assert len({base, digest("b", "1", 0o644), digest("a", "2", 0o644), digest("a", "1", 0o755)}) == 4

    def test_outputs_and_logs_are_files_like_others(self, source: Path, index: Path) -> None:
        write(source, "outputs/model.npz")
        write(source, "logs/a.log")
        assert paths(capture(source, index=index)) == ["logs/a.log", "outputs/model.npz", "train.py"]

    def test_a_relative_folder_and_one_reached_by_a_link(
        self, source: Path, index: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(source)
        digest = capture(Path(), index=index).snapshot.digest
        (source.parent / "link").symlink_to(source)
        assert capture(source.parent / "link", index=index).snapshot.digest == digest

    def test_names_with_newlines_blanks_and_other_scripts(self, source: Path, index: Path) -> None:
        for name in ("a\nb.py", " leading", "trailing. ", "Größe 数.py", "#x", "-rf", "*", "a;b"):
            write(source, name, name)
        captured = capture(source, index=index)
        assert set(paths(captured)) == {place.name for place in source.iterdir()}
        assert captured.snapshot.digest == capture(source, index=index).snapshot.digest

    def test_case_twins_are_two_files(self, source: Path, index: Path) -> None:
        write(source, "Model.py", "1")
        write(source, "model.py", "2")
        assert paths(capture(source, index=index)) == ["Model.py", "model.py", "train.py"]


class TestIndex:
    def test_only_changed_files_are_read_again(self, source: Path, index: Path) -> None:
        for number in range(5):
            write(source, f"f{number}")
        reads = Reads(source)
        with reads.watch() as seen:
            capture(source, index=index)
        assert len(seen) == 6
        settle(index)
        with reads.watch() as seen:
            capture(source, index=index)
        assert seen == []
        write(source, "f3", "new")
        write(source, "f9", "added")
        (source / "f0").unlink()
        with reads.watch() as seen:
            captured = capture(source, index=index)
        assert sorted(seen) == ["f3", "f9"]
        assert paths(captured) == ["f1", "f2", "f3", "f4", "f9", "train.py"]
        assert captured.snapshot == capture(source, index=index.with_name("none")).snapshot

    def test_a_file_written_when_the_index_was_is_read_again(
        self, source: Path, index: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The same size, time stamps and inode, as two writes within one tick of the clock leave them."""
        monkeypatch.setattr(indexes, "_MARGIN_NS", 10**12)  # however long this machine takes to begin
        reads = Reads(source)
        capture(source, index=index)
        with reads.watch() as seen:
            capture(source, index=index)
        assert seen == ["train.py"]

    def test_a_time_in_the_future_is_never_trusted(self, source: Path, index: Path) -> None:
        ahead = time.time() + 10**6
        os.utime(source / "train.py", (ahead, ahead))
        capture(source, index=index)
        settle(index)
        (source / "train.py").write_text("print(2)\n")
        os.utime(source / "train.py", (ahead, ahead))
        reads = Reads(source)
        with reads.watch() as seen:
            capture(source, index=index)
        assert seen == ["train.py"]

    def test_content_changed_under_an_old_mtime_is_seen(self, source: Path, index: Path) -> None:
        path = source / "train.py"
        stamps = path.stat().st_atime_ns, path.stat().st_mtime_ns
        before = capture(source, index=index).snapshot.digest
        settle(index)
        path.write_text("print(2)\n")
        os.utime(path, ns=stamps)
        assert capture(source, index=index).snapshot.digest != before

    def test_a_mode_changed_is_seen(self, source: Path, index: Path) -> None:
        capture(source, index=index)
        settle(index)
        (source / "train.py").chmod(0o755)
        assert capture(source, index=index).snapshot.files[0].executable

    @pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text", "folder of another source"])
    def test_a_damaged_index_is_as_none(self, source: Path, index: Path, damage: str) -> None:
        wanted = capture(source, index=index).snapshot
        data = bytearray(index.read_bytes())
        if damage == "folder of another source":
            other = write(source.parent / "other", "train.py", "print(3)\n").parent
            capture(other, index=index)
        else:
            data[len(data) // 2] ^= 1
            index.write_bytes(
                {"empty": b"", "cut": bytes(data[:-5]), "flipped": bytes(data), "text": b"hello"}[damage]
            )
        assert capture(source, index=index).snapshot == wanted

    def test_one_that_cannot_be_written_is_a_warning(self, source: Path, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        captured = capture(source, index=tmp_path / "file" / "index")
        assert paths(captured) == ["train.py"]
        assert "cannot be written" in captured.warnings[0]

    def test_nothing_is_left_beside_it(self, source: Path, index: Path) -> None:
        capture(source, index=index)
        assert list(index.parent.iterdir()) == [index]

    def test_what_was_decided_under_the_same_rules_is_not_decided_again(
        self, source: Path, index: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(source, ".gitignore", "*.log\nbuild/\n")
        write(source, "x.log")
        write(source, "build/x")
        write(source, "lib/a.py")
        wanted = capture(source, index=index)
        assert paths(wanted) == [".gitignore", "lib/a.py", "train.py"]
        asked: list[str] = []
        decide = Rules.ignores

        def noted(rules: Rules, path: str) -> bool:
            asked.append(path)
            return decide(rules, path)

        monkeypatch.setattr(Rules, "ignores", noted)
        assert capture(source, index=index) == wanted
        assert asked == []
        write(source, "lib/b.log")
        assert capture(source, index=index) == wanted
        assert asked == ["lib/b.log"]

    def test_a_changed_ignore_file_changes_the_verdicts(self, source: Path, index: Path) -> None:
        write(source, ".gitignore", "*.log\n")
        write(source, "deep/x.log")
        assert "deep/x.log" not in paths(capture(source, index=index))
        write(source, "deep/.gitignore", "!x.log\n")
        assert "deep/x.log" in paths(capture(source, index=index))
        write(source, ".gitignore", "deep\n")
        assert paths(capture(source, index=index)) == [".gitignore", "train.py"]


class TestWarnings:
    def test_env_files_are_named_unless_ignored(self, source: Path, index: Path) -> None:
        for name in (".env", "deploy/.env.production", ".env.example", "my.env.py"):
            write(source, name)
        captured = capture(source, index=index)
        assert ".env" in paths(captured)
        assert [line.split()[0] for line in captured.warnings] == [".env", "deploy/.env.production"]
        write(source, ".gitignore", ".env*\n")
        captured = capture(source, index=index)
        assert captured.warnings == ()
        assert ".env" not in paths(captured)

    def test_fifos_sockets_and_devices_are_left_out_by_name(self, source: Path, index: Path) -> None:
        os.mkfifo(source / "pipe")
        (source / "tty").symlink_to("pipe")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.relpath(source / "sock"))
            captured = capture(source, index=index)
        assert paths(captured) == ["train.py"]
        assert sorted(captured.warnings) == [
            "pipe is a FIFO and is left out.",
            "sock is a socket and is left out.",
            "tty is a FIFO and is left out.",
        ]

    def test_a_virtual_environment_is_left_out(self, source: Path, index: Path) -> None:
        write(source, "venv/pyvenv.cfg")
        (source / "venv" / "bin").mkdir()
        (source / "venv" / "bin" / "python").symlink_to(sys.executable)
        captured = capture(source, index=index)
        assert paths(captured) == ["train.py"]
        assert "venv/ is a virtual environment" in captured.warnings[0]


class TestLinks:
    def test_a_target_inside_is_stored_as_content(self, source: Path, index: Path) -> None:
        write(source, "lib/a.py", "1")
        (source / "file").symlink_to("lib/a.py")
        (source / "absolute").symlink_to(source.resolve() / "lib" / "a.py")
        (source / "lib2").symlink_to("lib")
        captured = capture(source, index=index)
        assert paths(captured) == ["absolute", "file", "lib/a.py", "lib2/a.py", "train.py"]
        assert len({file.digest for file in captured.snapshot.files}) == 2
        write(source, "lib/a.py", "2")
        assert len({file.digest for file in capture(source, index=index).snapshot.files}) == 2

    @pytest.mark.parametrize(
        "target", ["../secret/id", "../secret", "/etc/passwd", "/", "..", "../source2", "../gone"]
    )
    def test_a_target_outside_is_refused_by_name(self, source: Path, index: Path, target: str) -> None:
        write(source.parent, "secret/id")
        write(source.parent, "source2/x")
        (source / "sub").mkdir()
        (source / "sub" / "door").symlink_to(Path(target) if target.startswith("/") else Path("..", target))
        with pytest.raises(SnapshotException, match=r"'sub/door' leads out of the source folder"):
            capture(source, index=index)
        write(source, ".gitignore", "door\n")
        assert paths(capture(source, index=index)) == [".gitignore", "train.py"]

    @pytest.mark.parametrize("target", [".", "sub", "../source"])
    def test_a_loop_through_a_folder_is_refused(self, source: Path, index: Path, target: str) -> None:
        (source / "sub").mkdir()
        (source / "sub" / "loop").symlink_to(Path("..", target))
        with pytest.raises(SnapshotException, match=r"'sub/loop'.*a loop"):
            capture(source, index=index)

    def test_folders_that_link_to_each_other_are_refused(self, source: Path, index: Path) -> None:
        for here, there in (("a", "b"), ("b", "a")):
            (source / here).mkdir()
            (source / here / "to").symlink_to(Path("..", there))
        with pytest.raises(SnapshotException, match="a loop"):
            capture(source, index=index)

    def test_links_that_only_name_each_other_are_refused(self, source: Path, index: Path) -> None:
        (source / "one").symlink_to("two")
        (source / "two").symlink_to("one")
        with pytest.raises(SnapshotException, match=r"(one|two)' in the source folder cannot be followed"):
            capture(source, index=index)

    def test_a_link_to_nothing_inside_is_left_out(self, source: Path, index: Path) -> None:
        (source / ".#train.py").symlink_to("me@host.123:456")
        captured = capture(source, index=index)
        assert paths(captured) == ["train.py"]
        assert ".#train.py is a link to nothing" in captured.warnings[0]

    def test_a_link_into_what_is_never_captured_is_left_out(self, source: Path, index: Path) -> None:
        write(source, ".faena/token", "secret")
        (source / "token").symlink_to(".faena/token")
        captured = capture(source, index=index)
        assert paths(captured) == ["train.py"]
        assert "token is a link" in captured.warnings[0]

    def test_a_bomb_of_links_ends(self, source: Path, index: Path) -> None:
        write(source, "d0/x")
        for depth in range(1, 20):
            for name in "ab":
                (source / f"d{depth}").mkdir(exist_ok=True)
                (source / f"d{depth}" / name).symlink_to(f"../d{depth - 1}")
        with pytest.raises(SnapshotException, match="more than 1,000 files"):
            capture(source, index=index, limit=Limit(1000, 1 << 40))

    def test_more_bytes_than_asked_for(self, source: Path, index: Path) -> None:
        write(source, "large.bin", "x" * 3_000_000)
        with pytest.raises(SnapshotException, match="holds 2 MiB, more than 1"):
            capture(source, index=index, limit=Limit(1000, 1 << 20))


@contextmanager
def unprivileged() -> Iterator[None]:
    """root reads everything: let go of that for a while."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


class TestRefused:
    def test_a_folder_that_is_missing_is_a_file_or_is_empty(self, source: Path, index: Path) -> None:
        for folder, said in (
            (source / "none", "There is no source folder"),
            (source / "train.py", "is no folder"),
            (Path("a\0b"), "cannot be opened"),
            (Path(os.fsdecode(b"caf\xe9")), "cannot be opened"),
        ):
            with pytest.raises(SnapshotException, match=said):
                capture(folder, index=index)
        write(source, ".amlignore", "*\n")
        with pytest.raises(SnapshotException, match="holds no file that is not ignored"):
            capture(source, index=index)

    @pytest.mark.parametrize("kind", ["file", "folder", "ignore file"])
    def test_what_cannot_be_read_is_named(self, kind: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            root.chmod(0o755)
            write(root, "train.py")
            closed = {"file": "sub/data.bin", "folder": "sub/shut/x", "ignore file": "sub/.gitignore"}[kind]
            write(root, closed)
            place = root / ("sub/shut" if kind == "folder" else closed)
            place.chmod(0)
            try:
                with unprivileged(), pytest.raises(SnapshotException) as caught:
                    capture(root, index=root / "none" / "index")
            finally:
                place.chmod(0o755)
        name = str(place.relative_to(root)) + ("/" if kind == "folder" else "")
        assert repr(name) in caught.value.message
        assert "Permission denied. Give this user the right to read it" in caught.value.message

    def test_names_that_are_not_utf8_or_hold_a_backslash(self, source: Path, index: Path) -> None:
        (source / os.fsdecode(b"caf\xe9.py")).write_text("x")
        (source / "a\\b").write_text("x")
        with pytest.raises(SnapshotException) as caught:
            capture(source, index=index)
        assert r"caf\xe9.py" in caught.value.message
        assert r"a\\b" in caught.value.message
        caught.value.message.encode()
        write(source, ".amlignore", "caf*\na*\n")
        assert paths(capture(source, index=index)) == [".amlignore", "train.py"]

    def test_a_file_that_changes_each_time_it_is_read(
        self, source: Path, index: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        growing = source / "train.log"
        growing.write_bytes(b"line\n")
        digest_of = snapshots._digest_fd

        def grow(fd: int) -> tuple[str, int]:
            found = digest_of(fd)
            with growing.open("ab") as file:
                file.write(b"line\n")
            return found

        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(snapshots, "_digest_fd", grow)
            with pytest.raises(
                SnapshotException, match=r"'train.log' in the source folder changes while it is read"
            ):
                capture(source, index=index)
        assert len(capture(source, index=index).snapshot.files) == 2


@pytest.mark.long
@pytest.mark.parametrize(
    "megabytes", [pytest.param(200, id="200MB"), pytest.param(5000, id="5GB", marks=pytest.mark.campaign)]
)
def test_a_large_sparse_file_is_streamed(source: Path, index: Path, megabytes: int) -> None:
    with (source / "big.bin").open("wb") as file:
        file.truncate(megabytes * 1_000_000)
    code = r"""
        import re, sys
        from pathlib import Path
        from faena.data.snapshots import capture
        captured = capture(Path(sys.argv[1]), index=Path(sys.argv[2]))
        print(captured.snapshot.files[0].digest, captured.snapshot.files[0].size)
        # Not getrusage: its peak starts with that of the process that started this one.
        print(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(source), str(index)]
    first, memory = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert first == f"{digests.of_file(source / 'big.bin')} {megabytes * 1_000_000}"
    assert int(memory) < 120_000  # KB


@pytest.mark.long
@pytest.mark.parametrize("folders", [5, pytest.param(50, marks=pytest.mark.campaign)])
def test_thousands_of_files(source: Path, index: Path, folders: int) -> None:
    for folder in range(folders):
        (source / f"d{folder}").mkdir()
        for file in range(1000):
            (source / f"d{folder}" / f"f{file}").touch()
    captured = capture(source, index=index)
    assert len(captured.snapshot.files) == 1000 * folders + 1
    settle(index)
    again = capture(source, index=index)
    assert again.snapshot.digest == captured.snapshot.digest


def test_snapshots_travel(source: Path, index: Path) -> None:
    snapshot = capture(source, index=index).snapshot
    assert msgspec.json.decode(msgspec.json.encode(snapshot), type=Snapshot) == snapshot
