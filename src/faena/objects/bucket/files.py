"""Objects that a bucket has, and the folder as far as there is room.

What has a name in the folder is in the bucket: a put gives it one when the bucket has the bytes, a deletion takes it
before they go there. So a kill at any moment leaves a put that was not acknowledged, or bytes without a row, which the
next collection finds. What comes from the bucket is digested on its way into the folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from faena.kernel import process_identity, verified_times
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound, ObjectDamaged, StorageFull, StoreUnavailable
from faena.objects.bucket.arriving import Arrival, Arrivals
from faena.objects.bucket.cache import RECENT_S, STAGED_S, Cache
from faena.objects.bucket.sending import Sendings
from faena.objects.bucket.store import Bucket
from faena.objects.bucket.turns import Turns
from faena.objects.contract import OnItsWay
from faena.objects.files import FolderObjects
from faena.objects.reading import KeptFiles

_TOGETHER = 32
"""Requests of many small objects that are on their way at once: they wait for the network."""
_LARGE = 1 << 20
"""Bytes from which it pays to ask whether the bucket has an object, rather than to send it again."""
_DIRECT = 8 << 20
"""Bytes from which it pays to fetch an object from the bucket itself."""
_KNOWN_S, _MOST_KNOWN = 30.0, 200_000
_TRIES = 3
DAMAGED, BOOT = "damaged", "boot"


class BucketObjects(FolderObjects):
    """`limit`: bytes that the folder may take. `clock`: seconds that only grow. `wall`: of the time of day."""

    def __init__(
        self,
        folder: Path,
        bucket: Bucket,
        limit: int,
        clock: Callable[[], float] = time.monotonic,
        *,
        alone: bool = True,
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(folder, clock, alone=alone, syncs=False)
        _distrust_after_boot(folder)
        self._is_alone = alone
        self._bucket = bucket
        self._cache = Cache(folder, limit, wall)
        self._clock = clock
        self._sendings = Sendings(bucket.put_parts, lambda digest: self.path(digest).is_file())
        self._arrivals = Arrivals(self._arrive)
        self._known: dict[str, tuple[float, int | None]] = {}
        """Sizes in the bucket that were looked up together, each for one question, and until when they count."""
        self._turns = Turns()
        self._marks = folder / DAMAGED
        """Of what came from the bucket with other bytes: it is sent again by whoever puts it."""

    def size(self, digest: str) -> int | None:
        if (data := self._kept_in_row(digest)) is not None:
            return len(data)
        if (size := KeptFiles.size(self, digest)) is not None:
            self._cache.use(digest)
            return size
        if (size := self._arrivals.size(digest)) is not None:
            return size
        with self._turns.of(digest):
            return self._size_there(digest)

    def open(self, digest: str) -> BinaryIO:
        if self._at_hand(digest) is not None or self.path(digest).is_file():
            return super().open(digest)
        return self._arrivals.open(
            digest, lambda: self._damaged(digest, f" (as {self._bucket.address} gives them)")
        )

    def _arrive(self, digest: str, arrival: Arrival) -> None:
        self._bring(digest, arrival=arrival)
        if not arrival.turn:  # somebody else has brought it
            with KeptFiles._opened(self, digest) as file:
                size = os.fstat(file.fileno()).st_size
                arrival.begin(file.fileno(), size)
                arrival.more(size)

    def check(self, digest: str) -> int:
        if (size := self.size(digest)) is not None:
            return size
        raise self._damaged(digest) if self._is_marked(digest) else self._gone(digest)

    def put_at(self, digest: str) -> Micros | None:
        self._give_file(digest)
        with self._turns.of(digest):
            info = self._bucket.info(digest)
        return None if info is None else info.put_at

    def delete(self, digest: str) -> bool:
        with self._turns.of(digest):
            if not super().delete(digest):
                return False
            self._sendings.forget(digest)
            self._bucket.delete(digest)
            _remove(self.path(digest))  # another process may have brought it before it was gone
            self._known.pop(digest, None)
            (self._marks / digest).unlink(missing_ok=True)
        return True

    def bring(self, digests: Iterable[str]) -> list[str]:
        wanted = [digest for digest in dict.fromkeys(digests) if not self._is_near(digest)]
        with ThreadPoolExecutor(_TOGETHER, thread_name_prefix="bring") as pool:
            return [digest for digest in pool.map(self._cannot_be_had, wanted) if digest]

    def look_ahead(self, digests: Iterable[str]) -> None:
        far = [digest for digest in dict.fromkeys(digests) if not self.path(digest).is_file()]
        if len(far) < 2:
            return
        with ThreadPoolExecutor(_TOGETHER, thread_name_prefix="look") as pool:
            list(pool.map(self._look, far))
        while len(self._known) > _MOST_KNOWN:
            self._known.pop(next(iter(self._known)), None)

    def _look(self, digest: str) -> None:
        self._pins.pin(digest)  # before: what is seen then stays as long as we know it
        with self._turns.of(digest):
            info = self._bucket.info(digest)
            self._known[digest] = (self._clock() + _KNOWN_S, None if info is None else info.size)

    def list(self) -> Iterator[str]:
        return self._bucket.list()

    def address(self, digest: str, seconds: float) -> str | None:
        if not self._bucket.is_reached_safely:
            return None
        size = self.size(digest)
        return self._bucket.signed(digest, seconds) if size is not None and size >= _DIRECT else ""

    def _is_near(self, digest: str) -> bool:
        self._give_file(digest)
        return KeptFiles.size(self, digest) is not None and self._cache.use(digest, STAGED_S)

    def _cannot_be_had(self, digest: str) -> str:
        try:
            self._bring(digest, STAGED_S)
        except (NotFound, ObjectDamaged):
            return digest
        return ""

    def _opened(self, digest: str) -> BinaryIO:
        """From the folder, into which it is brought where it is not there."""
        for _ in range(_TRIES):
            self._bring(digest)
            with suppress(ObjectDamaged, NotFound):  # it was taken from us at once
                file = super()._opened(digest)
                self._cache.use(digest)
                return file
        return super()._opened(digest)

    def _checked(self, digest: str, *, again: bool = False) -> BinaryIO:
        try:
            return super()._checked(digest, again=again)
        except ObjectDamaged:
            if self._is_marked(digest):
                raise
        self._drop(digest)  # what is damaged is the copy
        return super()._checked(digest, again=again)

    def found_damaged(self, digest: str) -> ObjectDamaged:
        error = super().found_damaged(digest)
        self._drop(digest)
        return error

    def _drop(self, digest: str) -> None:
        _remove(self.path(digest))

    def _bring(self, digest: str, seconds: float = RECENT_S, arrival: Arrival | None = None) -> None:
        """Raises NotFound, ObjectDamaged, StoreUnavailable, StorageFull."""
        path = self.path(digest)
        if path.is_file():
            return
        with self._turns.of(digest):
            if path.is_file():  # somebody else has brought it
                return
            if os.path.lexists(path):
                _remove(path)  # whatever somebody put there is no object
            for _ in range(2):
                if self._fetch(digest, arrival or Arrival()):
                    self._cache.use(digest, seconds)
                    self._cache.make_room()
                    return
            self._marks.mkdir(exist_ok=True)
            (self._marks / digest).touch()
        raise self._damaged(digest, f" (as {self._bucket.address} gives them)")

    def _fetch(self, digest: str, arrival: Arrival) -> bool:
        """False where other bytes came. Raises as `_bring` does."""
        hasher = hashlib.sha256()
        with self._unsynced.on_disk() as names, self._incoming_file() as (incoming, file):
            try:
                for part in self._bucket.read(digest, lambda size: arrival.begin(file.fileno(), size)):
                    file.write(part)
                    file.flush()
                    arrival.more(file.tell())
                    hasher.update(part)
            except KeyError:
                raise self._gone(digest) from None
            except StorageFull as error:
                if not isinstance(error, StoreUnavailable):
                    self._cache.empty()
                raise
            if hasher.hexdigest() != digest:
                return False
            file.flush()
            self._name_file(incoming, file, digest, names)
        if (
            not self._is_alone and self._bucket.info(digest) is None
        ):  # another process has deleted it meanwhile
            self._drop(digest)
            raise self._gone(digest)
        return True

    def _seal(self, file: int | str, digest: str) -> None:
        super()._seal(file, digest)
        self._cache.expect(file)

    def begin_sending(self, digest: str, path: Path, size: int) -> OnItsWay | None:
        return self._sendings.begin(digest, path, size)

    def _digested(self, file: BinaryIO | FileIO, path: Path, expected: str, until: ExitStack) -> str:
        size = os.fstat(file.fileno()).st_size
        sending = self._sendings.begin(expected, path, size) if expected else None
        if sending is not None:
            until.callback(sending.close)
            sending.more(size)
            if (found := sending.found()) is not None:
                return found
        return super()._digested(file, path, expected, until)

    def _deliver(self, paths: Mapping[str, str | Path]) -> None:
        if len(paths) == 1:
            for digest, path in paths.items():
                self._send(digest, Path(path))
            self._cache.make_room()
            return
        with ThreadPoolExecutor(_TOGETHER, thread_name_prefix="deliver") as pool:
            list(pool.map(lambda each: self._send(each[0], Path(each[1])), paths.items()))
        self._cache.make_room()

    def _send(self, digest: str, path: Path) -> None:
        size = path.stat().st_size
        with self._turns.of(digest):
            is_there = self._sendings.is_put(digest, size)
            if not is_there and (size < _LARGE or self._size_there(digest) != size):
                self._bucket.put(digest, path if size else b"")
            self._known.pop(digest, None)
            (self._marks / digest).unlink(missing_ok=True)

    def _size_there(self, digest: str) -> int | None:
        if self._is_marked(digest):
            return None
        until, size = self._known.pop(digest, (0.0, None))
        if self._clock() < until:
            return size
        info = self._bucket.info(digest)
        return None if info is None else info.size

    def _is_marked(self, digest: str) -> bool:
        return (self._marks / digest).exists()


def _distrust_after_boot(folder: Path) -> None:
    """Files are not synced: those of before the host was started anew are verified before they are used."""
    marker, boot = folder / BOOT, process_identity.boot()
    if boot and marker.exists() and marker.read_text() == boot:
        return
    for path in folder.glob("??/*"):
        verified_times.unseal(str(path))
    marker.write_text(boot)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
