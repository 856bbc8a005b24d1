"""A server is one for a workspace in its place: moved, removed or replaced, it serves nobody any more."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faena import Cluster, Workspace
from faena.kernel.discovery import Rendezvous, is_held, try_lock
from faena.kernel.errors import WorkspaceException
from faena.server.election import LOCK, Leadership
from faena.testing.shutdown import shut_down
from faena.testing.waiting import until
from faena.workspaces.model import create_folder
from tests.files import remove


@pytest.fixture
def take(tmp_path: Path) -> Iterator[Callable[[Path], Leadership]]:
    taken: list[Leadership] = []

    def one(folder: Path) -> Leadership:
        leadership = Leadership.take(folder)
        assert leadership is not None
        taken.append(leadership)
        return leadership

    yield one
    for leadership in taken:
        leadership.listener.close()
        leadership.leave()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return create_folder(tmp_path / "here", "test").path


class TestASeat:
    def test_is_one_persons(self, folder: Path, take: Callable[[Path], Leadership]) -> None:
        assert take(folder).lost() is None
        assert Leadership.take(folder) is None

    def test_is_not_taken_by_who_only_looks_whether_it_is(
        self, folder: Path, take: Callable[[Path], Leadership], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        election = Rendezvous(folder).election
        with election.open("a+") as looking:
            fcntl.flock(looking, fcntl.LOCK_SH)
            assert not is_held(election), "two who look see no holder in each other"

            def first_time_in_vain(path: Path) -> int | None:
                found = try_lock(path)
                fcntl.flock(looking, fcntl.LOCK_UN)
                return found

            monkeypatch.setattr("faena.server.election.try_lock", first_time_in_vain)
            assert take(folder).lost() is None
        assert is_held(election)

    def test_of_a_removed_workspace_is_lost(self, folder: Path, take: Callable[[Path], Leadership]) -> None:
        leadership = take(folder)
        shutil.rmtree(folder)
        assert leadership.lost() == f"the workspace was removed from {folder.parent}"

    def test_of_a_replaced_one_is_lost_and_free_at_once(
        self, folder: Path, take: Callable[[Path], Leadership]
    ) -> None:
        leadership = take(folder)
        shutil.rmtree(folder)
        create_folder(folder.parent, "test")
        assert (leadership.lost() or "").startswith(f"another workspace is in {folder.parent} now")
        leadership.give_up()
        later = take(folder)
        leadership.give_up()
        assert later.lost() is None and later.socket.exists()

    def test_of_a_moved_one_says_where_it_is(
        self, folder: Path, tmp_path: Path, take: Callable[[Path], Leadership]
    ) -> None:
        leadership = take(folder)
        folder.parent.rename(tmp_path / "there")
        assert leadership.lost() == f"the workspace was moved from {folder.parent} to {tmp_path / 'there'}"
        leadership.leave()
        assert take(tmp_path / "there" / ".faena").lost() is None

    @pytest.mark.parametrize("what", ["lock", "sock"])
    def test_whose_files_somebody_cleaned_away_is_lost_and_takes_nothing_of_the_next(
        self, folder: Path, take: Callable[[Path], Leadership], what: str
    ) -> None:
        leadership = take(folder)
        leadership.socket.with_suffix(f".{what}").unlink()
        assert (leadership.lost() or "").startswith("its lock or socket in ")
        leadership.leave()
        later = take(folder)
        leadership.give_up()
        assert later.lost() is None and later.socket.exists()

    def test_that_another_has_taken_over_is_left_to_it(
        self, folder: Path, take: Callable[[Path], Leadership]
    ) -> None:
        leadership = take(folder)
        (folder / LOCK).unlink()
        leadership.socket.with_suffix(".lock").unlink()
        later = take(folder)
        leadership.leave()
        assert later.lost() is None and later.socket.exists()

    def test_is_kept_while_nobody_can_look(
        self, folder: Path, take: Callable[[Path], Leadership], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        leadership = take(folder)

        def away(path: Path, *, follow_symlinks: bool = True) -> None:
            raise OSError(5, "Input/output error", str(path))

        with monkeypatch.context() as network:
            network.setattr(Path, "stat", away)
            assert leadership.lost() is None

    def test_of_an_older_faena_that_signs_nothing_is_told(
        self,
        folder: Path,
        take: Callable[[Path], Leadership],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        take(folder)
        (folder / LOCK).write_text("")
        monkeypatch.setenv("FAENA_RUNTIME", str(tmp_path / "r"))
        with pytest.raises(WorkspaceException, match="another host, container or runtime folder"):
            Leadership.take(folder)


@pytest.mark.long
def test_a_new_workspace_in_an_old_ones_place_is_answered_by_itself(tmp_path: Path) -> None:
    """And one that was moved goes on where it is now."""
    first = Workspace.create("first", tmp_path / "here")
    Cluster.create(first, "of-the-first")
    remove(first.files.path)
    second = Workspace.create("second", tmp_path / "here")
    assert second.api.workspace().id == second.id
    assert second.api.clusters() == []
    with pytest.raises(WorkspaceException, match="removed, or replaced by another one"):
        first.api.clusters()
    Cluster.create(second, "of-the-second")
    second.folder.rename(tmp_path / "there")
    moved = Workspace(tmp_path / "there")
    began = time.monotonic()
    assert [cluster.name for cluster in moved.api.clusters()] == ["of-the-second"]
    assert time.monotonic() - began < 45, "at once, on a busy machine: the client's patience is 60 s"
    assert len(second.api.clusters()) == 1  # the handle has followed
    left = Rendezvous(tmp_path / "here" / ".faena")
    until(lambda: not is_held(left.election) and not left.socket.exists(), "the old server has left")
    assert (
        f"moved from {tmp_path / 'here'} to {tmp_path / 'there'}"
        in (moved.files.path / "server.log").read_text()
    )
    shut_down(moved)
