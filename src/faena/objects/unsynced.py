"""Folders with names that are not on the disk yet."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from faena.kernel.durable import sync_folder

_TOGETHER = 16
"""Folders that are synced at once."""

Names = list[Path]
"""Folders that got a name which is not on the disk yet."""


class Unsynced:
    """Who finds his bytes under a name that is not on the disk yet must see to it, too."""

    def __init__(self, *, syncs: bool = True) -> None:
        """`syncs`: False where names need not survive power loss."""
        self._syncs = syncs
        self._lock = threading.Lock()
        self._folders: Counter[Path] = Counter()

    def __bool__(self) -> bool:
        return bool(self._folders)

    def has(self, folder: Path) -> bool:
        """Whether it has a name that is not on the disk yet."""
        with self._lock:
            return folder in self._folders

    def add(self, folder: Path, names: Names) -> None:
        with self._lock:
            self._folders[folder] += 1
            names.append(folder)

    def add_if_unsynced(self, folder: Path, names: Names) -> None:
        with self._lock:
            if folder in self._folders:
                self._folders[folder] += 1
                names.append(folder)

    @contextmanager
    def on_disk(self) -> Iterator[Names]:
        """Collects folders that names were added to; they are on the disk at the end of the block."""
        names: Names = []
        try:
            yield names
            folders = list(dict.fromkeys(names)) if self._syncs else []
            if len(folders) > 1:
                with ThreadPoolExecutor(_TOGETHER, thread_name_prefix="sync") as pool:
                    list(pool.map(sync_folder, folders))
            elif folders:
                sync_folder(folders[0])
        finally:
            with self._lock:
                self._folders.subtract(names)
                for folder in set(names):
                    if not self._folders[folder]:
                        del self._folders[folder]
