"""Where a folder is that may be moved while it is used."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class Whereabouts:
    """Of one folder, which is held open and so known again under another path; where that cannot be, it is its path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        """Where it was when it was last looked at."""
        self._name = path.name
        self._descriptor = -1
        if hasattr(os, "O_PATH"):  # Linux
            try:
                self._descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError:
                return

    def now(self) -> Path | None:
        """None where it was removed, or is called otherwise now, as one that is about to be removed."""
        if self._descriptor < 0 or self._is(self.path):
            return self.path
        found = Path(os.readlink(f"/proc/self/fd/{self._descriptor}"))  # noqa: PTH115  "… (deleted)" is no path
        if found.name != self._name or not self._is(found):
            return None
        self.path = found
        return found

    def _is(self, path: Path) -> bool:
        try:
            there, held = os.stat(path), os.fstat(self._descriptor)  # noqa: PTH116  asked with each request
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # nobody can say, as while a network file system is away
            return True
        return stat.S_ISDIR(there.st_mode) and (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
