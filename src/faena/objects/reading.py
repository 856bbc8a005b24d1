"""Objects that are there: opened, and verified where somebody may have written them since they were."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from faena.kernel import digests, verified_times
from faena.kernel.clock import Micros
from faena.kernel.errors import FaenaError, NotFound, ObjectDamaged
from faena.objects.verified import verified


class KeptFiles:
    """Files `<folder>/<first two digits>/<digest>`.

    `explain`: sentences for an error, what refers to a digest and where else it is; empty where nothing does. It is
    called on threads that read objects.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.explain: Callable[[str], str] = lambda digest: ""
        self._read_whole: set[str] = set()
        """What this process has read as a whole, and found to be what its digest says."""

    def path(self, digest: str) -> Path:
        digests.check(digest)
        return self._folder / digest[:2] / digest

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
            digests.check(digest)
            status = os.stat(f"{self._folder}/{digest[:2]}/{digest}")  # noqa: PTH116  of a hundred thousand at once
            return (
                status.st_size if verified_times.is_sealed(status, digest) else KeptFiles.check(self, digest)
            )
        except (FileNotFoundError, NotFound, ObjectDamaged):
            return None

    def look_ahead(self, digests: Iterable[str]) -> None:
        """A look at a file costs nothing."""

    def put_at(self, digest: str) -> Micros | None:
        try:
            return self.path(digest).stat().st_ctime_ns // 1000
        except FileNotFoundError:
            return None

    def _opened(self, digest: str) -> BinaryIO:
        """Without waiting for the other end of a FIFO that somebody put in its place."""
        try:
            descriptor = os.open(self.path(digest), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise self._gone(digest) from None
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

    def _gone(self, digest: str) -> FaenaError:
        if said := self.explain(digest):
            return ObjectDamaged(f"Object {digest} is gone from the workspace. {said}")
        return NotFound(f"There is no object {digest}.")

    def _damaged(self, digest: str, why: str = "") -> ObjectDamaged:
        said = self.explain(digest) or "`faena repair` looks for its bytes elsewhere."
        return ObjectDamaged(
            f"Object {digest} is damaged: its bytes are not those that were kept{why}. {said}"
        )
