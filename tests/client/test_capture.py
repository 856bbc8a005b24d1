"""A source folder on its way to the server: in how many requests, and what a person hears of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from faena import Workspace
from faena.client.submission import capture, progress
from faena.client.submission.capture import bring
from faena.data import snapshots
from faena.kernel import batches
from faena.kernel.errors import SnapshotException


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "train.py").write_text(f"print({str(tmp_path)!r})")
    return folder


@pytest.fixture
def requests(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the server is sent: `batch of N` or `file NAME`."""
    seen: list[str] = []
    send, take = workspace.api.send_objects, workspace.api.take_file

    def noted_batch(objects: Sequence[tuple[str, bytes]]) -> None:
        seen.append(f"batch of {len(objects)}")
        send(objects)

    def noted_file(digest: str, path: Path) -> None:
        seen.append(f"file {path.name}")
        take(digest, path)

    monkeypatch.setattr(workspace.api, "send_objects", noted_batch)
    monkeypatch.setattr(workspace.api, "take_file", noted_file)
    yield seen


def write_many(folder: Path, count: int) -> None:
    for number in range(count):
        place = folder / f"images{number % 3}" / f"{number}.txt"
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"{folder} {number}")


@pytest.mark.long
def test_many_small_files_go_in_few_requests(workspace: Workspace, source: Path, requests: list[str]) -> None:
    write_many(source, 2_500)
    (source / "large.bin").write_bytes(bytes(batches.LARGEST))
    (source / "twin.txt").write_text((source / "train.py").read_text())
    snapshot = bring(workspace, source)
    assert requests == ["batch of 2000", "batch of 501", "file large.bin"]
    for file in snapshot.files:
        kept = workspace.files.path / "objects" / file.digest[:2] / file.digest
        assert kept.read_bytes() == (source / file.path).read_bytes()
    requests.clear()
    assert bring(workspace, source) == snapshot
    (source / "new.txt").write_text(str(source))
    bring(workspace, source)
    assert requests == ["batch of 1"]


def test_a_request_has_a_bound_in_bytes(
    workspace: Workspace, source: Path, requests: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST_BYTES", 1_000)
    for number in range(5):
        (source / f"{number}.bin").write_bytes(f"{source}{number}".encode().ljust(400, b"."))
    bring(workspace, source)
    assert requests == ["batch of 2", "batch of 2", "batch of 2"]


@pytest.mark.parametrize("change", ["other bytes", "shorter", "gone", "a folder"])
def test_a_file_that_changes_on_the_way_is_named(
    workspace: Workspace, source: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    place = source / "data.csv"
    place.write_text(f"{source} {change}")
    really = snapshots.capture

    def captured_then_changed(*args: object, **options: object) -> object:
        found = really(*args, **options)  # type: ignore[arg-type]  # given by name
        if change == "other bytes":
            place.write_text(place.read_text().upper())
        elif change == "shorter":
            place.write_text("")
        else:
            place.unlink()
        if change == "a folder":
            place.mkdir()
        return found

    monkeypatch.setattr(capture, "capture", captured_then_changed)
    with pytest.raises(SnapshotException, match=r"'data\.csv' in the source folder (changed|cannot be read)"):
        bring(workspace, source)


class TestWhatAPersonHears:
    def test_a_small_folder_is_silent(
        self, workspace: Workspace, source: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_many(source, 20)
        bring(workspace, source)
        assert capsys.readouterr() == ("", "")

    def test_many_files_are_told_with_the_largest_folders_before_they_are_sent(
        self,
        workspace: Workspace,
        source: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(progress, "MANY_FILES", 10)
        write_many(source, 20)
        (source / "images1" / "large").write_bytes(bytes(3_000_000))
        (source / ".gitignore").write_text("*.log\n")
        before: list[str] = []
        send = workspace.api.send_objects

        def noted(objects: Sequence[tuple[str, bytes]]) -> None:
            before.append(capsys.readouterr().err)
            send(objects)

        monkeypatch.setattr(workspace.api, "send_objects", noted)
        bring(workspace, source)
        assert before[0].startswith(f"faena: the source folder {source} has 23 files to read, 3.0 MB.")
        assert "The largest folders: images1 (3.0 MB, 8 files), images0 (" in before[0]
        assert "belongs in .gitignore;" in before[0]

    def test_many_bytes_too(
        self,
        workspace: Workspace,
        source: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(progress, "MANY_BYTES", 2_000_000)
        monkeypatch.setattr(progress, "_ELSEWHERE", 0.0)
        (source / "model.bin").write_bytes(str(source).encode().ljust(3_000_000, b"."))
        bring(workspace, source)
        out, err = capsys.readouterr()
        assert out == ""
        assert "2 files to read, 3.0 MB. The largest folders: . (3.0 MB, 2 files)." in err
        assert err.count("The largest folders") == 1
        assert "\nfaena: read 2 of 2 files, 3.0 MB of 3.0 MB\n" in err
        assert err.endswith("faena: sent 2 of 2 files, 3.0 MB of 3.0 MB\n")
        assert "\r" not in err
