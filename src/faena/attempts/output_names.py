"""What a script leaves in ./outputs and ./logs, as names and paths. Reads names only.

A link that stays inside the run's folder counts as what it leads to, a file or a folder of files; one that leaves it,
or leads back to a folder that it lies in, is not kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from faena.kernel import file_names

_MOST_BEHIND_LINKS = 100_000
"""Files and folders that are looked at for the sake of links to folders: links to folders of links multiply."""


def remains(above: Path, starts: Iterable[str]) -> tuple[dict[str, Path], list[str]]:
    """(files by name such as `outputs/model.npz`, what cannot be kept and why) below some files and folders in one."""
    walk = _Walk(Path(os.path.realpath(above)))
    for start in starts:
        walk.take(start)
    return walk.files, walk.refused


class _Step(NamedTuple):
    place: Path
    name: str
    chain: tuple[Path, ...]
    """Real folders that the walk came through."""
    is_behind_link: bool


class _Walk:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._behind_links = 0
        self.files: dict[str, Path] = {}
        self.refused: list[str] = []

    def take(self, start: str) -> None:
        place = self._root / start
        if not os.path.lexists(place):
            return
        name = place.relative_to(self._root).as_posix()
        if not Path(os.path.realpath(place.parent)).is_relative_to(self._root) and place != self._root:
            self.refused.append(f"{_short(name)} is behind a link out of the run's folder")
            return
        todo = [_Step(place, "" if name == "." else name, (), False)]
        while todo:
            todo += reversed(self._look(todo.pop()))

    def _look(self, step: _Step) -> list[_Step]:
        """Keep a file; what is in a folder."""
        real, behind_link = step.place, step.is_behind_link
        if real.is_symlink():
            real = Path(os.path.realpath(real))
            if not real.is_relative_to(self._root):
                self.refused.append(f"{_short(step.name)} is a link out of the run's folder")
                return []
            behind_link = behind_link or real.is_dir()
        if behind_link and not self._may_follow(step.name):
            return []
        if not real.is_dir():
            self._keep(real, step.name)
            return []
        if real in step.chain:
            self.refused.append(f"{_short(step.name)} leads back to a folder that it lies in")
            return []
        below = f"{step.name}/" if step.name else ""
        chain = (*step.chain, real)
        return [_Step(real / name, below + name, chain, behind_link) for name in self._names(real, step.name)]

    def _may_follow(self, name: str) -> bool:
        self._behind_links += 1
        if self._behind_links == _MOST_BEHIND_LINKS + 1:
            self.refused.append(
                f"{_short(name)} and what comes after it: more than {_MOST_BEHIND_LINKS:,} files and folders are "
                "behind links to folders"
            )
        return self._behind_links <= _MOST_BEHIND_LINKS

    def _keep(self, real: Path, name: str) -> None:
        if not real.is_file():
            self.refused.append(f"{_short(name)} is not a plain file")
        elif why := file_names.refusal(name):
            self.refused.append(f"{_short(name)} {why}")
        else:
            self.files[name] = real

    def _names(self, folder: Path, name: str) -> list[str]:
        try:
            return sorted(os.listdir(folder))  # noqa: PTH208  names are all that is needed
        except FileNotFoundError:
            return []
        except OSError as error:
            self.refused.append(f"{_short(name)} cannot be read: {error.strerror}")
            return []


def _short(name: str) -> str:
    return ascii(name if len(name) <= 80 else f"{name[:60]}…")
