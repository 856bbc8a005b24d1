"""The bytes: plain files named by their digest, whole and on disk before they have that name."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from faena.kernel import digests, disk_space, verified_times
from faena.kernel.clock import Micros
from faena.kernel.copying import copy
from faena.kernel.durable import sync_folder
from faena.kernel.errors import NotFound, ObjectDamaged, UserErrorException
from faena.kernel.fsync import sync_all
from faena.objects.contract import PINNED_S, FileChanged, Incoming
from faena.objects.verified import verified

_LARGE = 8 << 20
"""Bytes from which a thread of its own pays."""
_TOGETHER = 16
"""Files that are stored at once, where there are many: what they wait for is the disk."""

Names = list[Path]
"""Folders that got a name which is not on the disk yet."""


class FolderObjects:
    """Objects as files `<folder>/<first two digits>/<digest>`.

    `clock`: seconds that only grow. `explain`: sentences for an error, what refers to a digest and where else it is;
    empty where nothing does. It is called on threads that read objects.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self.explain: Callable[[str], str] = lambda digest: ""
        self._lock = threading.Lock()
        self._pinned: dict[str, float] = {}
        """When each digest was last put: between a look whether it is here and its deletion no put may come."""
        self._unsynced: Counter[Path] = Counter()
        """Folders with names that are not on the disk yet: who finds his bytes there already must see to it, too."""
        self._read_whole: set[str] = set()
        """What this process has read as a whole, and found to be what its digest says."""
        self._incoming = folder / "incoming"
        self._make_incoming()
        for leftover in self._incoming.iterdir():
            leftover.unlink(missing_ok=True)

    def path(self, digest: str) -> Path:
        digests.check(digest)
        return self._folder / digest[:2] / digest

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
            with self._names_on_disk() as names:
                for content in contents:
                    digest = hashlib.sha256(content).hexdigest()
                    if digest not in sizes and not self._is_here(digest, names):
                        fresh[digest] = f"{self._incoming}/{secrets.token_hex(16)}"
                        _write(fresh[digest], content)
                    sizes[digest] = len(content)
                self._keep_all(fresh, names)
        except OSError as error:
            raise _translated(error, self._folder) from error
        finally:
            for path in fresh.values():
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)  # noqa: PTH108  for each of thousands
        return sizes

    def put_file(self, path: Path, *, take: bool = False) -> tuple[str, int]:
        with self._names_on_disk() as names:
            return self._put_file(path, take, names)

    def put_files(
        self, paths: Sequence[Path], *, take: bool = False
    ) -> list[tuple[str, int] | UserErrorException]:
        # Each waits for the disk on its own thread, and the disk serves many at once; a folder is synced once for all.
        with self._names_on_disk() as names, ThreadPoolExecutor(_TOGETHER, thread_name_prefix="put") as pool:
            return list(pool.map(lambda path: self._put_or_refuse(path, take, names), paths))

    def _put_or_refuse(self, path: Path, take: bool, names: Names) -> tuple[str, int] | UserErrorException:
        try:
            return self._put_file(path, take, names)
        except UserErrorException as error:
            return error
        except OSError as error:
            return UserErrorException(f"{path} cannot be read: {error.strerror or error}.")

    def _put_file(self, path: Path, take: bool, names: Names) -> tuple[str, int]:
        with _opened(path) as source:
            before = os.fstat(source.fileno())
            if take and before.st_nlink == 1:
                digest = _digest_and_sync(source)
                if self._is_here(digest, names) or self._share(source, path, digest, names):
                    return digest, before.st_size
                source.seek(0)
            with self._incoming_file() as (incoming, file):
                copy(source, file)
                file.seek(0)
                digest = _digest_and_sync(file)
                size = os.fstat(file.fileno()).st_size
                after = os.fstat(source.fileno())
                if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
                    raise FileChanged(f"{path} changed while it was read. Store it when it is whole.")
                if not self._is_here(digest, names):
                    self._keep(incoming, file, digest, names)
        return digest, size

    def _is_here(self, digest: str, names: Names) -> bool:
        if self.size_to_keep(digest) is None:
            return False
        folder = self.path(digest).parent
        with self._lock:
            if folder in self._unsynced:
                self._unsynced[folder] += 1
                names.append(folder)
        return True

    @contextlib.contextmanager
    def _names_on_disk(self) -> Iterator[Names]:
        """Collects folders that names were added to; they are on the disk at the end of the block."""
        names: Names = []
        try:
            yield names
            folders = list(dict.fromkeys(names))
            if len(folders) > 1:
                with ThreadPoolExecutor(_TOGETHER, thread_name_prefix="sync") as pool:
                    list(pool.map(sync_folder, folders))
            elif folders:
                sync_folder(folders[0])
        finally:
            with self._lock:
                self._unsynced.subtract(names)
                for folder in set(names):
                    if not self._unsynced[folder]:
                        del self._unsynced[folder]

    def open(self, digest: str) -> BinaryIO:
        return verified(self._checked(digest), digest, lambda: self._damaged(digest))

    def open_to_seek(self, digest: str) -> BinaryIO:
        return self._checked(digest, again=digest not in self._read_whole)

    def open_unverified(self, digest: str) -> BinaryIO:
        return self._opened(digest)

    def found_damaged(self, digest: str) -> ObjectDamaged:
        self._read_whole.discard(digest)
        verified_times.unseal(str(self.path(digest)))
        return self._damaged(digest)

    def check(self, digest: str) -> int:
        with self._checked(digest) as file:
            return os.fstat(file.fileno()).st_size

    def size(self, digest: str) -> int | None:
        try:
            status = self.path(digest).stat()
            return status.st_size if verified_times.is_sealed(status, digest) else self.check(digest)
        except (FileNotFoundError, NotFound, ObjectDamaged):
            return None

    def size_to_keep(self, digest: str) -> int | None:
        self._pin(digest)
        return self.size(digest)

    def put_at(self, digest: str) -> Micros | None:
        try:
            return self.path(digest).stat().st_ctime_ns // 1000
        except FileNotFoundError:
            return None

    def delete(self, digest: str) -> bool:
        path = self.path(digest)
        with self._lock:
            self._unpin_old()
            if digest in self._pinned:
                return False
            path.unlink(missing_ok=True)
        return True

    def list(self) -> Iterator[str]:
        for folder in self._folder.iterdir():
            if folder != self._incoming:
                yield from (path.name for path in folder.iterdir())

    def _opened(self, digest: str) -> BinaryIO:
        """Without waiting for the other end of a FIFO that somebody put in its place."""
        try:
            descriptor = os.open(self.path(digest), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            if said := self.explain(digest):
                raise ObjectDamaged(f"Object {digest} is gone from the workspace. {said}") from None
            raise NotFound(f"There is no object {digest}.") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self._damaged(digest, " (no regular file has its name)")
        return os.fdopen(descriptor, "rb")

    def _checked(self, digest: str, *, again: bool = False) -> BinaryIO:
        """The object; read and verified first, where somebody may have written it since it was, or with `again`."""
        file = self._opened(digest)
        try:
            if again or not verified_times.is_sealed(os.fstat(file.fileno()), digest):
                self._verify(file, digest)
        except BaseException:
            file.close()
            raise
        return file

    def _verify(self, file: BinaryIO, digest: str) -> None:
        """Raises ObjectDamaged."""
        try:
            is_whole = hashlib.file_digest(file, "sha256").hexdigest() == digest  # type: ignore[arg-type]  # as below
        except OSError as error:
            raise self._damaged(digest, f" ({error.strerror})") from error
        if not is_whole:
            self._read_whole.discard(digest)
            verified_times.unseal(file.fileno())
            raise self._damaged(digest)
        file.seek(0)
        self._read_whole.add(digest)
        verified_times.seal(file.fileno(), digest)

    def _damaged(self, digest: str, why: str = "") -> ObjectDamaged:
        said = self.explain(digest) or "`faena repair` looks for its bytes elsewhere."
        return ObjectDamaged(
            f"Object {digest} is damaged: its bytes are not those that were kept{why}. {said}"
        )

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

    def _pin(self, digest: str) -> None:
        with self._lock:
            self._unpin_old()
            self._pinned.pop(digest, None)
            self._pinned[digest] = self._clock()

    def _unpin_old(self) -> None:
        now = self._clock()
        while self._pinned:
            oldest = next(iter(self._pinned))  # in the order in which they were put last
            if now - self._pinned[oldest] < PINNED_S:
                return
            del self._pinned[oldest]

    def _keep(self, incoming: Path, file: BinaryIO, digest: str, names: Names) -> None:
        self._pin(digest)
        file.flush()
        os.fchmod(file.fileno(), 0o444)
        os.fsync(file.fileno())
        verified_times.seal(
            file.fileno(), digest
        )  # last, as what some file systems write late would change the time
        incoming.rename(self._place(digest, names))

    def _keep_all(self, incoming: dict[str, str], names: Names) -> None:
        sync_all(incoming.values())
        for digest, path in incoming.items():
            verified_times.seal(path, digest)  # last, as in _keep
            os.rename(path, self._place(digest, names))  # noqa: PTH104  as above
        incoming.clear()

    def _share(self, source: FileIO, path: Path, digest: str, names: Names) -> bool:
        """A second name for a file that nobody writes any more: no byte is copied. What is damaged there goes."""
        target = self._place(digest, names)
        try:
            os.fchmod(source.fileno(), 0o444)
            os.fsync(source.fileno())
            try:
                os.link(path, target)
            except FileExistsError:
                self._replace(path, target)
            verified_times.seal(source.fileno(), digest)
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
            sync_folder(self._folder)
        with self._lock:
            self._unsynced[target.parent] += 1
            names.append(target.parent)
        return target


class _Incoming:
    def __init__(self, objects: FolderObjects) -> None:
        self._objects = objects
        self._hasher = hashlib.sha256()
        self.size = 0
        self._file = contextlib.ExitStack()
        self._path, self._writing = self._file.enter_context(objects._incoming_file())

    @property
    def digest(self) -> str:
        return self._hasher.hexdigest()

    def write(self, data: bytes) -> None:
        self._hasher.update(data)
        with self._objects._translating():
            self.size += self._writing.write(data)

    def keep(self) -> None:
        with self._objects._translating(), self._objects._names_on_disk() as names:
            self._objects._keep(self._path, self._writing, self.digest, names)

    def close(self) -> None:
        self._file.close()


def _write(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
    with FileIO(descriptor, "w") as file:
        at = 0
        while at < len(content):
            at += file.write(memoryview(content)[at:]) or 0


def _opened(path: Path) -> FileIO:
    """Without waiting for the other end of what turns out to be a FIFO; without a buffer that kernel copies bypass."""
    file = FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise UserErrorException(f"{path} is no regular file.")
    return file


def _digest_and_sync(file: BinaryIO | FileIO) -> str:
    """A large file is brought to the disk while it is digested: each takes about as long as the other."""
    if os.fstat(file.fileno()).st_size < _LARGE:
        return _digest(file)
    with ThreadPoolExecutor(1, thread_name_prefix="sync") as pool:
        synced = pool.submit(os.fsync, file.fileno())
        digest = _digest(file)
        synced.result()  # the kernel tells of a failure once only: here, not at the next fsync
    return digest


def _digest(file: BinaryIO | FileIO) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # typeshed asks for readinto


def _translated(error: OSError, folder: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return disk_space.full(folder)
    return error
