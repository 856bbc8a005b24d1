"""What killed processes left in the runtime folder and among the attempts goes by itself."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena import Experiment, Workspace
from faena.attempts.folder import remove_empty
from faena.kernel import leftovers, settings
from faena.kernel.discovery import Rendezvous, is_held, try_lock
from faena.kernel.errors import StorageFull, WorkspaceException
from faena.testing.shutdown import shut_down
from faena.testing.waiting import until

DEAD, ALIVE = "0123456789abcdef", "fedcba9876543210"


def _socket(path: Path, *, listening: bool = False, age: float = 0.0) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(str(path))
    if listening:
        made.listen(1)
    os.utime(path, (time.time() - age,) * 2)
    return made


class TestSweeping:
    def test_all_of_a_dead_server_goes(self, surroundings: Path) -> None:
        nodes = surroundings / DEAD
        nodes.mkdir()
        for name in ("node-1", "watch-process-1-2", "adopt-run-1-0"):
            (nodes / f"{name}.lock").touch()
        _socket(nodes / "77.sock", age=100).close()
        _socket(surroundings / f"{DEAD}.sock").close()
        (surroundings / f"{DEAD}.lock").touch()
        (surroundings / "notes.txt").touch()
        assert len(leftovers.sweep(surroundings)) == 7
        assert [path.name for path in surroundings.iterdir()] == ["notes.txt"]
        assert leftovers.sweep(surroundings) == []

    def test_what_lives_stays(self, surroundings: Path) -> None:
        nodes = surroundings / ALIVE
        nodes.mkdir()
        held = [try_lock(surroundings / f"{ALIVE}.lock"), try_lock(nodes / "node-1.lock")]
        listening = [
            _socket(surroundings / f"{ALIVE}.sock", listening=True),
            _socket(nodes / "1.sock", listening=True, age=100),
            _socket(nodes / "2.sock"),  # its listener is about to come
        ]
        before = sorted(surroundings.rglob("*"))
        try:
            assert leftovers.sweep(surroundings) == []
            assert sorted(surroundings.rglob("*")) == before
        finally:
            for each in listening:
                each.close()
            for descriptor in held:
                assert descriptor is not None
                os.close(descriptor)

    def test_a_node_that_outlives_its_server_keeps_its_lock(self, surroundings: Path) -> None:
        (surroundings / DEAD).mkdir()
        (surroundings / f"{DEAD}.lock").touch()
        held = try_lock(surroundings / DEAD / "node-1.lock")
        assert held is not None
        leftovers.sweep(surroundings)
        assert is_held(surroundings / DEAD / "node-1.lock")
        os.close(held)

    def test_two_never_hold_locks_of_one_name_while_it_is_removed(self, surroundings: Path) -> None:
        path, holders, most, stop = surroundings / f"{DEAD}.lock", 0, 0, threading.Event()
        guard = threading.Lock()

        def take() -> None:
            nonlocal holders, most
            while not stop.is_set():
                if (descriptor := try_lock(path)) is None:
                    continue
                with guard:
                    holders += 1
                    most = max(most, holders)
                with guard:
                    holders -= 1
                os.close(descriptor)

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(300):
            leftovers.sweep(surroundings)
        stop.set()
        for thread in threads:
            thread.join()
        assert most == 1


def test_empty_folders_of_attempts_go_once_nobody_makes_them(tmp_path: Path) -> None:
    (tmp_path / "old" / "1").mkdir(parents=True)
    (tmp_path / "full" / "1" / "0").mkdir(parents=True)
    (tmp_path / "full" / "1" / "0" / "order.json").touch()
    (tmp_path / "new" / "1").mkdir(parents=True)
    for folder in (tmp_path / "old" / "1", tmp_path / "old", tmp_path / "full"):
        os.utime(folder, (1, 1))
    remove_empty(tmp_path, older_than=60)
    os.utime(tmp_path / "old", (1, 1)) if (tmp_path / "old").exists() else None
    remove_empty(tmp_path, older_than=60)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "new"]
    assert (tmp_path / "full" / "1" / "0" / "order.json").exists()


def test_a_server_that_leaves_leaves_nothing(tmp_path: Path, surroundings: Path) -> None:
    workspace = Workspace.create("leaves", tmp_path)
    workspace.api.version()
    rendezvous = Rendezvous(workspace.files.path)
    assert rendezvous.election.exists()
    (rendezvous.nodes / "watch-process-1-2.lock").touch()
    workspace.api.stop()
    until(lambda: list(surroundings.iterdir()) == [], "it has left, and taken with it what was left over")


class TestTheRuntimeFolder:
    @pytest.mark.parametrize("mode", [0o777, 0o757])
    def test_in_one_that_everybody_may_change_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
    ) -> None:
        (tmp_path / "open").mkdir()
        (tmp_path / "open").chmod(mode)
        for below in ("run", "deep/er/run"):
            monkeypatch.setenv("FAENA_RUNTIME", str(tmp_path / "open" / below))
            with pytest.raises(WorkspaceException, match=f"everybody may change {tmp_path / 'open'}"):
                settings.runtime()
        assert list((tmp_path / "open").iterdir()) == []

    def test_in_a_sticky_one_is_fine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "open").mkdir()
        (tmp_path / "open").chmod(0o1777)
        monkeypatch.setenv("FAENA_RUNTIME", str(tmp_path / "open" / "run"))
        assert settings.runtime() == tmp_path / "open" / "run"

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
    def test_in_one_of_somebody_else_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "theirs").mkdir()
        os.chown(tmp_path / "theirs", 54321, 54321)
        monkeypatch.setenv("FAENA_RUNTIME", str(tmp_path / "theirs" / "run"))
        with pytest.raises(WorkspaceException, match="belongs to user 54321"):
            settings.runtime()
        (tmp_path / "link").symlink_to(tmp_path)
        os.lchown(tmp_path / "link", 54321, 54321)
        monkeypatch.setenv("FAENA_RUNTIME", str(tmp_path / "link" / "run"))
        with pytest.raises(WorkspaceException, match="belongs to user 54321"):
            settings.runtime()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_run_that_is_started_on_a_full_disk_is_told_so(small_disk: Path) -> None:
    workspace = Workspace.create("full", small_disk / "project")
    workspace.api.version()
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    began = time.monotonic()
    with pytest.raises(StorageFull, match="full"):
        for _ in range(50):  # the database may have some room left in its file
            Experiment(workspace, "e").start_logging(outputs=None, snapshot_directory=None)
    assert time.monotonic() - began < 60
    filler.unlink()
    run = Experiment(workspace, "e").start_logging(outputs=None, snapshot_directory=None)
    run.complete()
    assert run.get_status() == "Completed"
    shut_down(workspace)
