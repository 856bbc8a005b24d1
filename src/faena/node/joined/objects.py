"""Objects of the server, by their digest, on a node elsewhere: each is fetched once, and verified."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, MutableMapping
from functools import partial
from pathlib import Path
from typing import IO, Any

from faena.attempts.api import ServerApi
from faena.data.staging import TRUSTED_S, Verified, stamp
from faena.kernel import batches, digests
from faena.kernel.durable import write_whole
from faena.kernel.errors import NotFound, ServiceException
from faena.node.joined.cache import Cache

_TRIES = 2


class FetchedObjects:
    """`verified`: what was seen to be whole of late, shared with whoever reads the files."""

    def __init__(self, api: ServerApi, cache: Cache, verified: MutableMapping[str, Verified]) -> None:
        self._api = api
        self._cache = cache
        self._verified = verified

    def open(self, digest: str) -> IO[bytes]:
        """Raises FileNotFoundError for what the server has not."""
        for _ in range(_TRIES):
            path = self._cache.find(digests.check(digest)) or self._fetched(digest)
            file = path.open("rb")
            if self._is_sound(file, digest):
                return file
            file.close()
            self._cache.drop(digest)
        raise ServiceException(
            f"The object {digest} came with other bytes, twice. Look at this machine's disk."
        )

    def fetch_small(self, files: Iterable[Mapping[str, Any]]) -> None:
        """Fetch those that are small and not here, many at a time. `files`: each with `digest` and `size`."""
        wanted = {file["digest"]: file["size"] for file in files if file["size"] < batches.LARGEST}
        missing = [digest for digest in wanted if self._cache.find(digest) is None]
        if len(missing) < 2:
            return  # one comes as fast by itself
        for asked in batches.of((digest, wanted[digest]) for digest in missing):
            self._fetch_together(asked)

    def _fetch_together(self, asked: list[str]) -> None:
        for digest, data in batches.read(self._api.objects(asked)):
            if digest in asked and hashlib.sha256(data).hexdigest() == digest:
                path = self._cache.bring(digest, partial(_write, data))
                self._trust(path, digest)

    def _fetched(self, digest: str) -> Path:
        told = ""

        def fetch(target: Path) -> None:
            nonlocal told
            told = self._api.fetch(digest, target)

        try:
            path = self._cache.bring(digest, fetch)
        except NotFound as error:
            raise FileNotFoundError(error.message) from error
        if told == digest:
            self._trust(path, digest)
        return path

    def _is_sound(self, file: IO[bytes], digest: str) -> bool:
        known = self._verified.get(digest)
        if known and known.stamp == stamp(file) and time.monotonic() - known.at < TRUSTED_S:
            return True
        seen = stamp(file)
        if digests.of_file(Path(file.name)) != digest:
            return False
        if seen is not None:
            self._verified[digest] = Verified(seen, time.monotonic())
        return True

    def _trust(self, path: Path, digest: str) -> None:
        with path.open("rb") as file:
            if (seen := stamp(file)) is not None:
                self._verified[digest] = Verified(seen, time.monotonic())


def _write(data: bytes, target: Path) -> None:
    write_whole(target, data)
