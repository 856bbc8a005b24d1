"""A dataset as a folder on this machine, for as long as it is needed."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Self

from faena.data.sources import Contents
from faena.kernel.errors import UserErrorException


class MountContext:
    """A folder of links to a dataset's files, there between `start` and `stop`, or inside `with`.

    Nothing is copied, and nothing keeps you from writing the files through the links.
    """

    def __init__(self, contents: Contents, mount_point: str | os.PathLike[str] | None) -> None:
        self._contents = contents
        self._ours = mount_point is None
        if mount_point is None:
            self._folder = Path(tempfile.mkdtemp(prefix="faena-dataset-"))
        else:
            self._folder = Path(mount_point).expanduser().absolute()
        self._links: list[Path] = []

    @property
    def mount_point(self) -> str:
        return str(self._folder)

    def start(self) -> None:
        """Raises UserErrorException when the folder holds something already."""
        if self._links:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        if any(self._folder.iterdir()):
            raise UserErrorException(f"{self._folder} is not empty. Name another mount_point.")
        for member in self._contents.members:
            link = self._folder / member.name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(member.place)
            self._links.append(link)

    def stop(self) -> None:
        """Remove the links; what else was put there stays, unless the folder was made for this."""
        if self._ours:
            shutil.rmtree(self._folder, ignore_errors=True)
        for link in self._links:
            link.unlink(missing_ok=True)
        for folder in sorted({parent for link in self._links for parent in self._inner(link)}, reverse=True):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        self._links = []

    def _inner(self, link: Path) -> list[Path]:
        return [parent for parent in link.parents if parent.is_relative_to(self._folder)]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
