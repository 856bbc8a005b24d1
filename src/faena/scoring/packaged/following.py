"""Shows what workers write into their logs, as it comes."""

from __future__ import annotations

import sys
from pathlib import Path

_PART = 1 << 20


class Logs:
    """Of a folder. What is there already was shown by whoever was here before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = {path: path.stat().st_size for path in folder.glob("*.log")}

    def show(self) -> None:
        for path in sorted(self._folder.glob("[0-9]*.log")):
            try:
                size = path.stat().st_size
                start = self._read.get(path, 0)
                start = 0 if size < start else start  # it was rotated
                with path.open("rb") as file:
                    file.seek(start)
                    data = file.read(_PART)
            except FileNotFoundError:
                continue
            self._read[path] = start + len(data)
            if data:
                sys.stdout.write(data.decode("utf-8", "replace"))
                sys.stdout.flush()
