"""What a script leaves in ./outputs and ./logs, as names and paths."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from faena.kernel import file_names
from faena.node.folder import SPECIAL, AttemptFolder


def remains(folder: AttemptFolder) -> tuple[dict[str, Path], list[str]]:
    """(files by name such as `outputs/model.npz`, what cannot be kept and why).

    A link that stays inside the code folder counts as the file that it leads to; one that leaves it is not kept.
    """
    files: dict[str, Path] = {}
    refused: list[str] = []
    root = Path(os.path.realpath(folder.code))
    for special in SPECIAL:
        for path in _walk(folder.code / special):
            name = path.relative_to(folder.code).as_posix()
            real = Path(os.path.realpath(path))
            if not real.is_relative_to(root):
                refused.append(f"{name!a} is a link out of the run's folder")
            elif not real.is_file():
                refused.append(f"{name!a} is not a plain file")
            elif why := file_names.refusal(name):
                refused.append(f"{_short(name)} {why}")
            else:
                files[name] = real
    return files, refused


def _walk(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        else:
            yield Path(entry.path)


def _short(name: str) -> str:
    return ascii(name if len(name) <= 80 else f"{name[:60]}…")
