"""A workspace that was moved is the same one; a copy is another."""

from __future__ import annotations

import shutil
from pathlib import Path

from faena.workspaces.identity import claim
from faena.workspaces.model import WorkspaceFolder, create_folder, open_folder


def one(place: Path) -> WorkspaceFolder:
    """That other machines know by its certificate."""
    place.mkdir()
    made = claim(create_folder(place, "shop"))
    made.nodes.mkdir(mode=0o700)
    (made.nodes / "certificate.pem").write_text("its own")
    return made


def test_machines_are_those_of_one_that_was_moved(tmp_path: Path) -> None:
    made = one(tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "after")
    moved = claim(open_folder(tmp_path / "after" / ".faena"))
    assert moved.id == made.id
    assert (moved.nodes / "certificate.pem").read_text() == "its own"


def test_a_copy_takes_no_machine_of_the_original(tmp_path: Path) -> None:
    made = one(tmp_path / "original")
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    copied = claim(open_folder(tmp_path / "copy" / ".faena"))
    assert copied.id != made.id
    assert not copied.nodes.exists(), "nobody takes it for the original"
    assert (made.nodes / "certificate.pem").exists()
