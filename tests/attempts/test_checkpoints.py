"""What is taken of a checkpoint folder while a script writes into it, and when."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from faena.attempts import checkpoint_files, checkpoints
from faena.attempts.api import ServerApi
from faena.attempts.checkpoints import Checkpoints
from faena.attempts.folder import AttemptFolder
from faena.attempts.key import AttemptKey
from faena.kernel.errors import ServerUnreachable
from faena.testing.waiting import until

KEY = AttemptKey("run", 1, 0)


class Server:
    """Keeps the newest set, as text by name; each call that it was asked to refuse is refused."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.by_digest: dict[str, str] = {}
        self.notes: list[str] = []
        self.calls = self.read = 0
        self.is_away = False

    def take_checkpoint(self, key: AttemptKey, files: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
        if self.is_away:
            raise ServerUnreachable("it is away")
        self.calls += 1
        digests = {}
        for file in files:
            digests[file["name"]] = digest = file.get("digest") or Path(file["path"]).read_text()
            self.read += "path" in file
            self.by_digest[digest] = digest
        self.kept = digests
        return {"digests": digests, "refused": {}}

    def note(self, key: AttemptKey, code: str, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def folder(tmp_path: Path) -> AttemptFolder:
    (tmp_path / "code" / "outputs").mkdir(parents=True)
    return AttemptFolder(tmp_path)


@pytest.fixture
def place(folder: AttemptFolder) -> Path:
    return folder.code / "outputs" / "checkpoints"


@pytest.fixture
def saved(server: Server, folder: AttemptFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Checkpoints]:
    monkeypatch.setattr(checkpoints, "_AFTER_FAILURE", 0.05)
    made = Checkpoints(cast(ServerApi, server), KEY, folder)
    made.begin()
    yield made
    server.is_away = False
    made.close()


def put(path: Path, text: str) -> None:
    """Renamed into place, from a folder of its own, as Chainer does."""
    beside = path.parent / f"tmp{path.name}"
    beside.mkdir()
    (beside / path.name).write_text(text)
    (beside / path.name).rename(path)
    beside.rmdir()


def test_what_is_renamed_into_place_is_taken_at_once(server: Server, saved: Checkpoints, place: Path) -> None:
    saved.look()
    place.mkdir()
    saved.look()
    put(place / "one", "1")
    until(lambda: server.kept == {"one": "1"}, "it is taken", seconds=1.5)
    put(place / "one", "2")
    until(lambda: server.kept == {"one": "2"}, "the newer one is", seconds=1.5)


def test_what_was_renamed_is_taken_of_a_script_that_was_killed_right_after(
    server: Server, saved: Checkpoints, place: Path
) -> None:
    place.mkdir()
    saved.look()
    put(place / "one", "1")
    (place / "two").write_text("half")
    saved.finish(ended_well=False)
    assert server.kept == {"one": "1"}


def test_what_lies_still_is_taken_unless_somebody_writes_it(
    server: Server, saved: Checkpoints, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "STILL_S", 0.3)
    place.mkdir()
    saved.look()
    with (place / "open").open("w") as file:
        file.write("half")
        file.flush()
        (place / "closed").write_text("whole")
        until(lambda: server.kept == {"closed": "whole"}, "one is taken")
        until(lambda: not saved._still["open"][1] or server.calls == 1, "the other one is not")
        file.write(" and half")
    until(lambda: server.kept == {"closed": "whole", "open": "half and half"}, "now it is")


def test_nothing_is_whole_just_because_its_writer_was_killed(
    server: Server, saved: Checkpoints, place: Path
) -> None:
    place.mkdir()
    saved.look()
    (place / "one").write_text("half")
    saved.finish(ended_well=False)
    assert server.kept == {}


def test_everything_is_whole_where_the_script_ended_well(
    server: Server, saved: Checkpoints, place: Path
) -> None:
    place.mkdir()
    (place / "one").write_text("1")
    saved.finish(ended_well=True)
    assert server.kept == {"one": "1"}


def test_a_file_that_is_renamed_while_it_is_open_is_not_whole(
    server: Server, saved: Checkpoints, place: Path
) -> None:
    place.mkdir()
    saved.look()
    with (place / "tmp").open("w") as file:
        file.write("half")
        file.flush()
        (place / "tmp").rename(place / "one")
    saved.finish(ended_well=False)
    assert server.kept == {}


def test_an_earlier_one_stays_until_the_next_one_is_whole(
    server: Server, saved: Checkpoints, place: Path
) -> None:
    """A script that removes what it had before it writes anew loses neither."""
    place.mkdir()
    saved.look()
    put(place / "one", "1")
    until(lambda: server.kept == {"one": "1"}, "it is taken")
    (place / "one").unlink()
    put(place / "other", "x")
    (place / "one").write_text("half")
    until(lambda: "other" in server.kept, "another one is")
    saved.finish(ended_well=False)
    assert server.kept["one"] == "1"


def test_what_is_gone_goes_with_the_next_one(server: Server, saved: Checkpoints, place: Path) -> None:
    place.mkdir()
    saved.look()
    for number in range(4):
        put(place / f"snapshot_{number}", str(number))
        (place / f"snapshot_{number - 1}").unlink(missing_ok=True)
        until(lambda: f"snapshot_{number}" in server.kept, "it is taken")  # noqa: B023  called at once
    assert set(server.kept) <= {"snapshot_2", "snapshot_3"}


def test_what_has_not_changed_is_not_read_again(server: Server, saved: Checkpoints, place: Path) -> None:
    place.mkdir()
    saved.look()
    for number in range(5):
        put(place / f"snapshot_{number}", str(number))
        until(lambda: f"snapshot_{number}" in server.kept, "it is taken")  # noqa: B023  as above
    assert server.read == 5
    saved.finish(ended_well=True)
    assert (server.read, len(server.kept)) == (5, 5)


def test_nothing_is_lost_while_the_server_is_away(server: Server, saved: Checkpoints, place: Path) -> None:
    place.mkdir()
    saved.look()
    server.is_away = True
    put(place / "one", "1")
    server.is_away = False
    until(lambda: server.kept == {"one": "1"}, "it is taken then")


def test_who_comes_after_a_runner_that_died_goes_by_the_times(
    server: Server, folder: AttemptFolder, place: Path
) -> None:
    (place / "folder").mkdir(parents=True)
    for name in ("new", "folder/old"):
        (place / name).write_text(name)
    adopter = Checkpoints(cast(ServerApi, server), KEY, folder)
    changed = (place / "folder" / "old").stat().st_ctime_ns
    later = changed + 1
    while (place / "new").stat().st_ctime_ns < later:
        (place / "new").write_text("new")
    adopter.finish(ended_well=False, whole_until=later)
    assert server.kept == {"folder/old": "folder/old"}


def test_links_count_as_what_they_lead_to_within_the_folder_of_the_run(
    server: Server, saved: Checkpoints, place: Path, tmp_path: Path
) -> None:
    place.mkdir()
    (place / "snapshot_1").write_text("1")
    (place / "latest").symlink_to("snapshot_1")
    (tmp_path / "secret").write_text("secret")
    (place / "out").symlink_to(tmp_path / "secret")
    (place / "loop").symlink_to(place)
    os.mkfifo(place / "pipe")
    saved.finish(ended_well=True)
    assert server.kept == {"snapshot_1": "1", "latest": "1"}


def test_too_many_are_told_of(
    server: Server, saved: Checkpoints, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint_files, "MOST_FILES", 3)
    place.mkdir()
    for number in range(5):
        (place / str(number)).write_text("x")
    saved.finish(ended_well=True)
    assert server.kept == {}
    assert "no checkpoint is taken" in server.notes[0]


def test_a_folder_behind_a_link_out_of_the_run_is_none(
    server: Server, saved: Checkpoints, place: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "one").write_text("1")
    place.symlink_to(tmp_path / "elsewhere")
    saved.look()
    saved.finish(ended_well=True)
    assert server.kept == {}
