"""What is kept of the folders that a script leaves, links and oddities among them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faena.attempts import output_names as module
from faena.attempts.output_names import remains


@pytest.fixture
def code(tmp_path: Path) -> Path:
    code = tmp_path / "code"
    for folder in ("outputs/best", "outputs/epoch-3", "logs", "kept-elsewhere/deep"):
        (code / folder).mkdir(parents=True)
    (code / "outputs/epoch-3/model.npz").write_text("3")
    (code / "kept-elsewhere/deep/data.csv").write_text("a")
    (code / "logs/train.log").write_text("x")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key").write_text("s")
    return code


def found(code: Path) -> tuple[dict[str, str], list[str]]:
    files, refused = remains(code, ("outputs", "logs"))
    return {name: path.read_text() for name, path in files.items()}, refused


def test_links_to_folders_count_as_what_they_lead_to(code: Path) -> None:
    (code / "outputs/latest").symlink_to("epoch-3")
    (code / "outputs/data").symlink_to(code / "kept-elsewhere")
    (code / "outputs/again").symlink_to("latest")
    files, refused = found(code)
    assert files == {
        "outputs/epoch-3/model.npz": "3",
        "outputs/latest/model.npz": "3",
        "outputs/again/model.npz": "3",
        "outputs/data/deep/data.csv": "a",
        "logs/train.log": "x",
    }
    assert refused == []


def test_links_out_of_the_folder_are_not_followed(code: Path) -> None:
    (code / "outputs/secret").symlink_to(code.parent / "secret")
    (code / "outputs/key").symlink_to("../../secret/key")
    (code / "kept-elsewhere/out").symlink_to(code.parent / "secret")
    (code / "outputs/data").symlink_to("../kept-elsewhere")
    files, refused = found(code)
    assert not any("key" in name for name in files)
    assert sorted(refused) == [
        "'outputs/data/out' is a link out of the run's folder",
        "'outputs/key' is a link out of the run's folder",
        "'outputs/secret' is a link out of the run's folder",
    ]


def test_loops_end(code: Path) -> None:
    (code / "outputs/epoch-3/self").symlink_to(".")
    (code / "outputs/up").symlink_to("..")
    (code / "outputs/best/a").symlink_to("../epoch-3")
    files, refused = found(code)
    assert files["outputs/best/a/model.npz"] == "3"
    assert files["outputs/up/logs/train.log"] == "x"
    assert "'outputs/epoch-3/self' leads back to a folder that it lies in" in refused
    assert any(text.startswith("'outputs/up/outputs' leads back") for text in refused)


def test_links_that_multiply_are_bounded(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BEHIND_LINKS", 50)
    for level in range(40):
        folder = code / "outputs" / f"level-{level}"
        folder.mkdir()
        (folder / "file").write_text("x")
        for name in ("a", "b"):
            (folder / name).symlink_to(f"../level-{level + 1}")
    files, refused = remains(code, ("outputs",))
    assert 0 < sum("/a/" in name or "/b/" in name for name in files) <= 50
    assert sum("more than 50 files and folders are behind links" in text for text in refused) == 1
    assert all(f"outputs/level-{level}/file" in files for level in range(40)), (
        "what is behind no link is kept"
    )


def test_what_is_no_plain_file_is_named(code: Path) -> None:
    os.mkfifo(code / "outputs/pipe")
    (code / "outputs/nothing").symlink_to("missing")
    _, refused = found(code)
    assert sorted(refused) == ["'outputs/nothing' is not a plain file", "'outputs/pipe' is not a plain file"]


def test_one_file_or_folder_by_its_path(code: Path) -> None:
    (code / "outputs/latest").symlink_to("epoch-3")
    assert list(remains(code, ("outputs/latest/model.npz",))[0]) == ["outputs/latest/model.npz"]
    assert list(remains(code, ("outputs/latest",))[0]) == ["outputs/latest/model.npz"]
    assert remains(code, ("outputs/none",)) == ({}, [])
    (code / "outputs/secret").symlink_to(code.parent / "secret")
    files, [refused] = remains(code, ("outputs/secret/key",))
    assert (files, refused) == ({}, "'outputs/secret/key' is behind a link out of the run's folder")
