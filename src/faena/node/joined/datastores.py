"""Files of datastores on a node elsewhere: what an order's inputs need, in folders like those of the server's host."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from faena.attempts.api import ServerApi
from faena.data import patterns, safe_paths
from faena.data.sources import missing
from faena.kernel.errors import NotFound, StorageFull
from faena.kernel.transport import segment
from faena.node.data_copies import KEPT_FREE
from faena.node.joined.cache import PLACE, Cache

_LOOK = 0.1
_TOGETHER = 4
"""Files that are fetched at once: each waits for the other machine."""


class _Stopped(Exception):
    """Another file could not be fetched, or the run is to stop."""


class _Wanted(NamedTuple):
    store: str
    path: str
    size: int
    tag: str
    target: Path

    @property
    def name(self) -> str:
        """In the cache: another one once the file was written since."""
        return PLACE + hashlib.sha256("\0".join((self.store, self.path, self.tag)).encode()).hexdigest()


class FetchedFiles:
    """`root`: where the datastores of the attempt that runs have their folders."""

    def __init__(self, api: ServerApi, cache: Cache, root: Path) -> None:
        self._api = api
        self._cache = cache
        self._root = root

    def folder(self, store: str) -> Path:
        return self._root / store

    def bring(self, inputs: Iterable[Mapping[str, Any]], progress: Callable[[], None]) -> list[str]:
        """Have what the inputs name in their datastores' folders, and nothing else; what was left out, in sentences.

        Raises NotFound naming what is missing, StorageFull, what `progress` raises.
        """
        shutil.rmtree(self._root, ignore_errors=True)
        wanted: dict[Path, _Wanted] = {}
        left_out: list[str] = []
        for data in inputs:
            for source in data["sources"]:
                if "datastore" in source:
                    self.folder(source["datastore"]).mkdir(parents=True, exist_ok=True)
                    if data["mode"] != "upload":
                        left_out += self._look(source["datastore"], source["path"], wanted)
        missing_now = [each for each in wanted.values() if self._cache.find(each.name) is None]
        self._check_room(sum(each.size for each in missing_now))
        self._place_all(list(wanted.values()), progress)
        return left_out

    def _place_all(self, wanted: list[_Wanted], progress: Callable[[], None]) -> None:
        stopped = threading.Event()

        def go_on() -> None:
            if stopped.is_set():
                raise _Stopped

        with ThreadPoolExecutor(_TOGETHER, thread_name_prefix="fetch") as pool:
            running = [pool.submit(self._place, each, go_on) for each in wanted]
            try:
                for each in running:
                    progress()
                    while wait([each], timeout=_LOOK).not_done:
                        progress()
                    each.result()
            except BaseException:
                stopped.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _look(self, store: str, path: str, wanted: dict[Path, _Wanted]) -> list[str]:
        """Add the files that a path of a datastore means; what is none, and why."""
        asked = urlencode({"path": path, "tagged": "true"})
        found = self._api.call("GET", f"/datastores/{segment(store)}/files?{asked}")
        root = self.folder(store)
        path = safe_paths.check(path)
        if not patterns.is_pattern(path) and [each["path"] for each in found["files"]] != [path]:
            (root / path).mkdir(parents=True, exist_ok=True)  # an empty folder is one, too
        for each in found["files"]:
            target = root / safe_paths.check(each["path"])
            wanted[target] = _Wanted(store, each["path"], each["size"], each.get("tag", ""), target)
        return [str(reason) for reason in found["left_out"]]

    def _check_room(self, size: int) -> None:
        if not size:
            return
        free = _free(self._root)
        if size + KEPT_FREE > free:
            self._cache.empty()
            free = _free(self._root)
        if size + KEPT_FREE > free:
            raise StorageFull(
                f"The run's data takes {size / 1e6:,.1f} MB. The disk that holds {self._root} on the node has "
                f"{free / 1e6:,.0f} MB free, of which {KEPT_FREE / 1e6:,.0f} MB stay so. Free some space there, or "
                "name less of the datastore."
            )

    def _place(self, wanted: _Wanted, go_on: Callable[[], None]) -> None:
        path = self._cache.bring(wanted.name, partial(self._fetch, wanted, go_on))
        wanted.target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, wanted.target)  # a script sees it read-only, or a copy of it
        except OSError:
            shutil.copyfile(path, wanted.target)

    def _fetch(self, wanted: _Wanted, go_on: Callable[[], None], target: Path) -> None:
        asked = urlencode({"path": wanted.path})
        try:
            self._api.download(f"/datastores/{segment(wanted.store)}/content?{asked}", target, go_on)
        except NotFound:
            raise missing(wanted.path, wanted.store) from None


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
