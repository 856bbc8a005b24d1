"""Data that a script reads where it lies: bound read-only where this kernel permits it, else as a copy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from faena.data.sources import Contents
from faena.kernel.errors import UserErrorException
from faena.node import data_copies, mounts

_PATIENCE = 10.0
_SETTING = "FAENA_MOUNTS"
"""`copy` forgoes mounts: without root they take a user namespace, in which a script cannot use sudo."""


class Laid(NamedTuple):
    """How the data came to its places."""

    mounts: list[list[str]]
    """What the guard is to mount, see `mounts.enter`."""
    left_out: list[str]
    """What a copy could not have, a sentence each."""
    made: list[Path]
    """Folders of this machine that were made to mount on. They stay, empty: another script may have them by now."""


class Binds:
    """Collects what is to be mounted, then lays it out in one go. `aside`: a folder for what only links lead to."""

    def __init__(self, aside: Path) -> None:
        self._aside = aside
        self._binds: list[tuple[Path, Path]] = []
        self._trees: list[tuple[Contents, Path]] = []
        self._roots: dict[Path, Path] = {}
        self._views: list[tuple[Path, Path, str]] = []
        self._made: list[Path] = []

    def add(self, source: Path, target: Path) -> None:
        """Have the file or folder `source` at `target`, which must be free. Raises UserErrorException."""
        if target.is_file() or (target.is_dir() and any(target.iterdir())):
            raise UserErrorException(
                f"The source folder has something at {target.name!r} already, where data is to be mounted. "
                "Choose another path_on_compute."
            )
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        self._binds.append((source, target))

    def add_tree(self, contents: Contents, target: Path) -> None:
        """Have the files of a dataset below `target`, which must be free: a folder of links to where they lie."""
        for member in contents.members:
            if member.root not in self._roots:
                stand_in = self._aside / str(len(self._roots))
                self._roots[member.root] = stand_in
                self.add(member.root, stand_in)
        self._trees.append((contents, target))
        target.mkdir(parents=True, exist_ok=True)
        self.add(target, target)

    def add_view(self, folder: Path, root: Path, what: str) -> None:
        """Have the script see `folder` at `root` too, a folder of this machine that is empty or is made, and stays so.

        Raises UserErrorException, which begins with `what`, where that cannot be.
        """
        try:
            self._made += _make(root)
        except OSError as error:
            at = f" at {error.filename}" if error.filename not in (None, str(root)) else ""
            raise UserErrorException(
                f"{what} cannot be honoured: {root} is not there on this machine, and cannot be made ({error.strerror}"
                f"{at}). Name a folder that is there and empty, one that can be made, or a relative path."
            ) from error
        if reason := _unusable(root):
            raise UserErrorException(
                f"{what} cannot be honoured: {root} {reason} on this machine. Name a folder that is empty or not there "
                "yet, or use a relative path."
            )
        self._views.append((folder, root, what))

    def lay(self, progress: Callable[[], None], tell: Callable[[str], None]) -> Laid:
        """Put everything in its place. `tell` hears before anything is copied that mounts are refused, and the size.

        Raises StorageFull where copies do not fit, UserErrorException for a view where there are no mounts, what
        `progress` raises, OSError.
        """
        if not self._binds and not self._views:
            return Laid([], [], [])
        wanted = [[str(source), str(target)] for source, target in self._binds]
        wanted += [[str(folder), str(root), mounts.AS_IT_IS] for folder, root, _ in self._views]
        refusal = refusal_of(wanted)
        if refusal is not None and self._views:
            _unmake(self._made)
            raise UserErrorException(
                f"{self._views[0][2]} cannot be honoured: this machine permits no mounts ({refusal}). Use a relative "
                "path, which is below the script's working folder."
            )
        if refusal is not None:
            return Laid([], self._copied(refusal, progress, tell), [])
        for contents, target in self._trees:
            for member in contents.members:
                link = target / member.name
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(self._roots[member.root] / member.place.relative_to(member.root.resolve()))
        return Laid(wanted, [], self._made)

    def _copied(self, refusal: str, progress: Callable[[], None], tell: Callable[[str], None]) -> list[str]:
        """Copies instead of mounts; what they could not have."""
        stand_ins = {target for _, target in self._trees} | set(self._roots.values())
        plain = [(source, target) for source, target in self._binds if target not in stand_ins]
        wanted = data_copies.plan(plain, self._trees)
        beside = self._aside.parent
        shared = data_copies.is_shared(wanted, beside)
        if not shared:
            data_copies.check_room(wanted, beside)
        tell(
            f"This machine permits no mounts ({refusal}): the script gets a copy of its mounted data "
            f"({data_copies.told(wanted)}{', which shares their blocks' if shared else ''}), which goes with the run."
        )
        for _, target in self._binds:  # what was to be mounted on
            if target.is_dir():
                target.rmdir()
            else:
                target.unlink()
        data_copies.copy(wanted, progress)
        return wanted.left_out


def _make(root: Path) -> list[Path]:
    """The folders that were missing, from above. Raises OSError."""
    missing = [each for each in (root, *root.parents) if not os.path.lexists(each)]
    made: list[Path] = []
    try:
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            made.append(each)
    except OSError:
        _unmake(made)
        raise
    return made


def _unmake(made: Sequence[Path]) -> None:
    """Only what nobody has mounted anything on: that would be gone for whoever has."""
    for each in reversed(made):
        with suppress(OSError):
            each.rmdir()


def _unusable(root: Path) -> str | None:
    """Why nothing may be mounted there; what is in a folder would be hidden."""
    try:
        return "is not empty" if any(root.iterdir()) else None
    except FileNotFoundError:
        return "is not there"
    except NotADirectoryError:
        return "is no folder"
    except OSError as error:
        return f"cannot be looked into ({error.strerror})"


def refusal_of(wanted: list[list[str]]) -> str | None:
    """Why the guard could not mount this; None when it can. Found out in a process that does it and ends."""
    if os.environ.get(_SETTING) == "copy":
        return f"{_SETTING} is 'copy'"
    command = [sys.executable, "-I", "-S", mounts.__file__]
    try:
        done = subprocess.run(
            command, input=json.dumps(wanted).encode(), capture_output=True, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    return done.stderr.decode("utf-8", "replace").strip()[-300:] or f"exit code {done.returncode}"
