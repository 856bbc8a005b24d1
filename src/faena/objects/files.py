"""The bytes: plain files named by their digest, whole and on disk before they have that name."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from faena.kernel import disk_space, verified_times
from faena.kernel.clock import Micros
from faena.kernel.copying import copy
from faena.kernel.durable import sync_folder
from faena.kernel.errors import UserErrorException
from faena.kernel.fsync import sync_all
from faena.objects.contract import FileChanged, Incoming, OnItsWay
from faena.objects.kept_or_fresh import KeptOrFresh
from faena.objects.pins import Pins
from faena.objects.reading import KeptFiles
from faena.objects.sources import digest_and_sync, opened, write_new
from faena.objects.unsynced import Names, Unsynced

_TOGETHER = 16
"""Files that are stored at once, where there are many: what they wait for is the disk."""
_LONGEST_S = 86_400.0
"""Seconds after the last of its bytes has come for which a file may be one that another process puts."""
_LARGE = 16 << 20
"""Bytes that are brought to the disk while more come."""


class FolderObjects(KeptOrFresh):
    """Puts objects where `KeptFiles` finds them. `clock`: seconds that only grow."""

    def __init__(
        self,
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
        *,
        alone: bool = True,
        syncs: bool = True,
    ) -> None:
        """`alone`: no other process puts objects here, so that what has begun to come was cut short.

        `syncs`: files must survive power loss.
        """
        super().__init__(folder)
        self._pins = Pins(clock)
        self._syncs = syncs
        self._unsynced = Unsynced(syncs=syncs)
        self._incoming = folder / "incoming"
        self._make_incoming()
        before = time.time() - (0 if alone else _LONGEST_S)
        for leftover in self._incoming.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if alone or leftover.stat().st_mtime < before:
                    leftover.unlink()

    def put(self, data: Iterable[bytes]) -> tuple[str, int]:
        incoming = self.begin()
        try:
            for chunk in data:
                incoming.write(chunk)
            incoming.keep()
        finally:
            incoming.close()
        return incoming.digest, incoming.size

    def begin(self) -> Incoming:
        return _Incoming(self)

    def put_all(self, contents: Iterable[bytes]) -> dict[str, int]:
        sizes: dict[str, int] = {}
        fresh: dict[str, str] = {}  # no Path objects: there are thousands
        try:
            self._make_incoming()
            with self._unsynced.on_disk() as names:
                for content in contents:
                    digest = hashlib.sha256(content).hexdigest()
                    if digest not in sizes and not self._is_here(digest, names):
                        fresh[digest] = f"{self._incoming}/{secrets.token_hex(16)}"
                        write_new(fresh[digest], content)
                    sizes[digest] = len(content)
                self._keep_all(fresh, names)
        except OSError as error:
            raise _translated(error, self._folder) from error
        finally:
            for path in fresh.values():
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)  # noqa: PTH108  for each of thousands
        return sizes

    def put_file(self, path: Path, *, take: bool = False, expected: str = "") -> tuple[str, int]:
        with self._unsynced.on_disk() as names:
            return self._put_file(path, take, names, self._pins.pin, expected)

    def begin_sending(self, digest: str, path: Path, size: int) -> OnItsWay | None:
        return None

    def take_known(self, path: Path, digest: str) -> int:
        with self._unsynced.on_disk() as names, opened(path) as source:
            size = os.fstat(source.fileno()).st_size
            if not self._is_here(digest, names) and not self._share(source, path, digest, names):
                with self._incoming_file() as (incoming, file):
                    copy(source, file)
                    self._place_file(incoming, file, digest, names)
        return size

    def put_files(
        self, paths: Sequence[Path], *, take: bool = False, held: bool = False
    ) -> list[tuple[str, int] | UserErrorException]:
        keep = self._pins.hold if held else self._pins.pin
        # Each waits for the disk on its own thread, and the disk serves many at once; a folder is synced once for all.
        with (
            self._unsynced.on_disk() as names,
            ThreadPoolExecutor(_TOGETHER, thread_name_prefix="put") as pool,
        ):
            return list(pool.map(lambda path: self._put_or_refuse(path, take, names, keep), paths))

    def _put_or_refuse(
        self, path: Path, take: bool, names: Names, keep: Callable[[str], None]
    ) -> tuple[str, int] | UserErrorException:
        try:
            return self._put_file(path, take, names, keep)
        except UserErrorException as error:
            return error
        except OSError as error:
            return UserErrorException(f"{path} cannot be read: {error.strerror or error}.")

    def _put_file(
        self, path: Path, take: bool, names: Names, keep: Callable[[str], None], expected: str = ""
    ) -> tuple[str, int]:
        """`keep`: has the bytes stay until something refers to them; called once where they are stored."""
        with opened(path) as source, contextlib.ExitStack() as until:
            before = os.fstat(source.fileno())
            if take and before.st_nlink == 1:
                digest = self._digested(source, path, expected, until)
                if self._is_here(digest, names, keep) or self._share(source, path, digest, names):
                    return digest, before.st_size
                source.seek(0)
            with self._incoming_file() as (incoming, file):
                copy(source, file)
                file.seek(0)
                digest = self._digested(file, incoming, expected, until)
                size = os.fstat(file.fileno()).st_size
                if _was_written(before, os.fstat(source.fileno()), digest):
                    raise FileChanged(f"{path} changed while it was read. Store it when it is whole.")
                if not self._is_here(digest, names, keep):
                    self._place_file(incoming, file, digest, names)
        return digest, size

    def _digested(
        self, file: BinaryIO | FileIO, path: Path, expected: str, until: contextlib.ExitStack
    ) -> str:
        """Of a whole file. `until`: closed when it is kept, or is not to be."""
        return digest_and_sync(file, syncs=self._syncs)

    def open_unverified(self, digest: str) -> BinaryIO:
        self._give_file(digest)
        return super().open_unverified(digest)

    def put_at(self, digest: str) -> Micros | None:
        self._give_file(digest)
        return super().put_at(digest)

    def is_on_disk(self, digest: str) -> bool:
        """Where its folder has names that are not synced yet, who asks does not wait for that."""
        self._pins.pin(digest)
        return KeptFiles.size(self, digest) is not None and not self._unsynced.has(self.path(digest).parent)

    def _give_file(self, digest: str) -> None:
        if (data := self._at_hand(digest)) is not None:
            self.put_all([data])

    def size_to_keep(self, digest: str) -> int | None:
        self._pins.pin(digest)
        self._give_file(digest)
        return self.size(digest)

    def bring(self, digests: Iterable[str]) -> list[str]:
        return [digest for digest in dict.fromkeys(digests) if self.size_to_keep(digest) is None]

    def release(self, digests: Iterable[str]) -> None:
        for digest in digests:
            self._pins.release(digest)

    def is_kept(self, digest: str) -> bool:
        return self._pins.is_kept(digest)

    def delete(self, digest: str) -> bool:
        return self._pins.remove(digest, self.path(digest))

    def list(self) -> Iterator[str]:
        for folder in self._folder.iterdir():
            if folder != self._incoming:
                yield from (path.name for path in folder.iterdir())

    def address(self, digest: str, seconds: float) -> str | None:
        return None

    def _is_here(self, digest: str, names: Names, keep: Callable[[str], None] | None = None) -> bool:
        (keep or self._pins.pin)(digest)
        if KeptFiles.size(self, digest) is None:
            return False
        self._unsynced.add_if_unsynced(self.path(digest).parent, names)
        return True

    @contextlib.contextmanager
    def _incoming_file(self) -> Iterator[tuple[Path, BinaryIO]]:
        path = self._incoming / secrets.token_hex(16)
        try:
            self._make_incoming()
            with self._translating(), path.open("x+b") as file:
                yield path, file
        finally:
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _translated(error, self._folder) from error

    def _make_incoming(self) -> None:
        """Again where somebody has removed it; of objects that went with it whoever reads them hears."""
        self._incoming.mkdir(parents=True, exist_ok=True)

    def _deliver(self, paths: Mapping[str, str | Path]) -> None:
        """Called with whole files, by their digest, before they get their names: a bucket has them first."""

    def _keep(self, incoming: Path, file: BinaryIO, digest: str, names: Names) -> None:
        self._pins.pin(digest)
        self._place_file(incoming, file, digest, names)

    def _place_file(self, incoming: Path, file: BinaryIO, digest: str, names: Names) -> None:
        file.flush()
        self._deliver({digest: incoming})
        self._name_file(incoming, file, digest, names)

    def _name_file(self, incoming: Path, file: BinaryIO, digest: str, names: Names) -> None:
        os.fchmod(file.fileno(), 0o444)
        if self._syncs:
            os.fsync(file.fileno())
        self._seal(file.fileno(), digest)  # last: what some file systems write late would change the time
        incoming.rename(self._place(digest, names))

    def _seal(self, file: int | str, digest: str) -> None:
        """Called when the bytes are verified. `file`: a descriptor or a path."""
        verified_times.seal(file, digest)

    def _keep_all(self, incoming: dict[str, str], names: Names) -> None:
        self._deliver(incoming)
        if self._syncs:
            sync_all(incoming.values())
        for digest, path in incoming.items():
            self._seal(path, digest)  # last, as in _name_file
            os.rename(path, self._place(digest, names))  # noqa: PTH104  as above
        incoming.clear()

    def _share(self, source: FileIO, path: Path, digest: str, names: Names) -> bool:
        """A second name for a file that nobody writes any more: no byte is copied. What is damaged there goes."""
        self._deliver({digest: path})
        target = self._place(digest, names)
        try:
            os.fchmod(source.fileno(), 0o444)
            if self._syncs:
                os.fsync(source.fileno())
            try:
                os.link(path, target)
            except FileExistsError:
                self._replace(path, target)
            self._seal(source.fileno(), digest)
        except OSError:  # another file system, or one without links: copy instead
            return False
        return True

    def _replace(self, path: Path, target: Path) -> None:
        incoming = self._incoming / secrets.token_hex(16)
        try:
            os.link(path, incoming)
            incoming.rename(target)
        finally:
            incoming.unlink(missing_ok=True)

    def _place(self, digest: str, names: Names) -> Path:
        """Where the object goes; whoever asks puts a name there, and has its folder synced."""
        target = self.path(digest)
        if not target.parent.exists():
            target.parent.mkdir(exist_ok=True)
            if self._syncs:
                sync_folder(self._folder)
        self._unsynced.add(target.parent, names)
        return target


class _Incoming:
    def __init__(self, objects: FolderObjects) -> None:
        self._objects = objects
        self._hasher = hashlib.sha256()
        self.size = 0
        self._unsynced = 0
        self._syncing: Future[None] | None = None
        self._file = contextlib.ExitStack()
        self._path, self._writing = self._file.enter_context(objects._incoming_file())

    @property
    def digest(self) -> str:
        return self._hasher.hexdigest()

    def write(self, data: bytes) -> None:
        self._hasher.update(data)
        with self._objects._translating():
            self.size += self._writing.write(data)
            self._unsynced += len(data)
            if self._unsynced >= _LARGE and self._objects._syncs:
                self._sync_beside()

    def _sync_beside(self) -> None:
        """Of a large file, what has come goes to the disk while the rest comes: both take about as long."""
        if self._syncing is None:
            self._pool = self._file.enter_context(ThreadPoolExecutor(1, thread_name_prefix="sync"))
        elif not self._syncing.done():
            return
        else:
            self._syncing.result()  # the kernel tells of a failure once only: here, not at the next one
        self._writing.flush()
        self._unsynced = 0
        self._syncing = self._pool.submit(os.fdatasync, self._writing.fileno())

    def keep(self) -> None:
        with self._objects._translating(), self._objects._unsynced.on_disk() as names:
            if self._syncing is not None:
                self._syncing.result()
            self._objects._keep(self._path, self._writing, self.digest, names)

    def close(self) -> None:
        self._file.close()


def _was_written(before: os.stat_result, after: os.stat_result, digest: str) -> bool:
    """While it was read, as bytes with this digest.

    Another thread may have taken the very file meanwhile, as where it has a second name behind a link to a folder: then
    it has the time that says that its bytes are these.
    """
    if before.st_size != after.st_size:
        return True
    return before.st_mtime_ns != after.st_mtime_ns and not verified_times.is_sealed(after, digest)


def _translated(error: OSError, folder: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return disk_space.full(folder)
    return error
