"""`python runner.zip join URL …`: unpacks itself, since processes of a node are started from files, and is the runner.

With FAENA_HELD_BY_PIPE it is held by its standard input, and another one takes its place where it is killed (`held`).
"""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import sys
import tempfile
import zipfile


def main() -> int:
    if sys.argv[1:2] != ["join"]:
        print("usage: python runner.zip join URL [--name NAME] [--cores N] …", file=sys.stderr)
        return 2
    archive = os.path.abspath(sys.argv[0])
    folder = _unpacked(archive)
    sys.path[:] = [folder, *(each for each in sys.path if os.path.abspath(each) != archive)]
    for name in [each for each in sys.modules if each.partition(".")[0] == "faena"]:
        del sys.modules[name]
    if os.environ.pop("FAENA_HELD_BY_PIPE", ""):
        ended = importlib.import_module("faena.node.held").part()
        if ended is not None:
            return int(ended)
    return int(importlib.import_module("faena.node.join").main(sys.argv[2:]))


def _unpacked(archive: str) -> str:
    """The folder of its files, below the state folder; made where it is missing."""
    from faena.kernel import settings

    with open(archive, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()[:16]
    place = settings.home() / "runners"
    place.mkdir(mode=0o700, exist_ok=True)
    folder = place / digest
    if not folder.exists():
        made = tempfile.mkdtemp(dir=place)
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(made)
        try:
            os.rename(made, folder)
        except OSError:  # somebody else was first
            shutil.rmtree(made, ignore_errors=True)
    return str(folder)


if __name__ == "__main__":
    sys.exit(main())
