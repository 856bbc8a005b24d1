"""Data that a script reads where it lies: bound read-only where this kernel permits it, else as links."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from faena.data.sources import Contents
from faena.kernel.errors import UserErrorException
from faena.node import mounts

_PATIENCE = 10.0
_SETTING = "FAENA_MOUNTS"
"""`links` forgoes mounts: without root they take a user namespace, in which a script cannot use sudo."""


class Binds:
    """Collects what is to be mounted, then lays it out in one go. `aside`: a folder for what only links lead to."""

    def __init__(self, aside: Path) -> None:
        self._aside = aside
        self._binds: list[tuple[Path, Path]] = []
        self._trees: list[tuple[Contents, Path]] = []
        self._roots: dict[Path, Path] = {}

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

    def lay(self) -> tuple[list[list[str]], str | None]:
        """(what the guard is to mount, why it may mount nothing); in the latter case links do."""
        if not self._binds:
            return [], None
        wanted = [[str(source), str(target)] for source, target in self._binds]
        refusal = refusal_of(wanted)
        for contents, target in self._trees:
            for member in contents.members:
                base = self._roots[member.root] if refusal is None else member.root
                link = target / member.name
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(base / member.place.relative_to(member.root.resolve()))
        if refusal is None:
            return wanted, None
        for source, target in self._binds:
            if source != target:
                target.rmdir() if target.is_dir() else target.unlink()
                target.symlink_to(source)
        return [], refusal


def refusal_of(wanted: list[list[str]]) -> str | None:
    """Why the guard could not mount this; None when it can. Found out in a process that does it and ends."""
    if os.environ.get(_SETTING) == "links":
        return f"{_SETTING} is 'links'"
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
