"""What a store of objects must be able to do. The contract suite is `faena.testing.objects`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from faena.kernel.clock import Micros
from faena.kernel.errors import ObjectDamaged, UserErrorException
from faena.objects.fresh_bytes import FreshBytes

PINNED_S = 3600.0
"""Seconds for which bytes stay after a put: by then they are referred to, or whoever put them has gone."""


class FileChanged(UserErrorException):
    """Somebody wrote the file while it was read."""

    @property
    def code(self) -> str:
        return UserErrorException.__name__


class Incoming(Protocol):
    """Bytes that come part by part; each call may be made on another thread, one after the other."""

    size: int

    @property
    def digest(self) -> str:
        """Of what was written so far."""

    def write(self, data: bytes) -> None:
        """Raises StorageFull."""

    def keep(self) -> None:
        """Have the object, as after a put. Raises StorageFull."""

    def close(self) -> None:
        """Leave nothing behind but what was kept."""


class OnItsWay(Protocol):
    """A file that comes here part by part, and goes on to where objects are."""

    def more(self, come: int) -> None:
        """So many bytes are in the file, and stay what they are."""

    def close(self) -> None:
        """It is kept now, or never will be."""


class ObjectFiles(Protocol):
    """Where objects live. All methods may be called from any thread.

    A put returns when the bytes survive power loss; putting the same bytes again is allowed and cheap, and heals what
    was damaged. Nothing is handed out as good that is not what its digest says: ObjectDamaged says so.
    """

    fresh: FreshBytes
    """Those whose bytes the database has; their files follow."""

    def put(self, data: Iterable[bytes]) -> tuple[str, int]:
        """Store the bytes; returns (digest, size). Raises StorageFull, leaving nothing behind."""

    def begin(self) -> Incoming:
        """As `put`, for bytes that are not here yet. Raises StorageFull."""

    def put_all(self, contents: Iterable[bytes]) -> dict[str, int]:
        """Store many small contents, brought to the disk together; sizes by digest. Raises as `put` does."""

    def put_file(self, path: Path, *, take: bool = False, expected: str = "") -> tuple[str, int]:
        """Store a file's bytes; returns (digest, size). `expected`: the digest that they may well have.

        With `take` the caller promises that nobody writes the file any more: the store may share its
        blocks. The file itself is never removed. Raises UserErrorException when the file changes meanwhile.
        """

    def begin_sending(self, digest: str, path: Path, size: int) -> OnItsWay | None:
        """A file of `size` bytes is coming, to be kept by this digest: what can be done before. None: nothing."""

    def take_known(self, path: Path, digest: str) -> int:
        """Store a file that nobody writes any more, by the digest that its bytes had as they were written; its size."""

    def put_files(
        self, paths: Sequence[Path], *, take: bool = False, held: bool = False
    ) -> list[tuple[str, int] | UserErrorException]:
        """As `put_file` for each, all together in much less time; in the place of one that cannot be stored, why.

        `held`: they stay until they are released, and no longer. Raises StorageFull.
        """

    def release(self, digests: Iterable[str]) -> None:
        """What was put as held is referred to by now, or never will be."""

    def is_kept(self, digest: str) -> bool:
        """Whether somebody holds the bytes, or has asked lately to keep them: `delete` would leave them."""

    def open(self, digest: str) -> BinaryIO:
        """A stream of the object's bytes, to be read from the first to the last.

        Raises NotFound; ObjectDamaged, if not at once then in place of the last bytes.
        """

    def open_to_seek(self, digest: str) -> BinaryIO:
        """The object's bytes, to be read in any order: verified before, once in this process. Raises as `open` does."""

    def open_unverified(self, digest: str) -> BinaryIO:
        """For whoever verifies what becomes of the bytes, such as a copy that shares blocks.

        Raises NotFound; ObjectDamaged, where no regular file is there. Who finds the bytes damaged says so by
        `found_damaged`.
        """

    def found_damaged(self, digest: str) -> ObjectDamaged:
        """Have nobody trust the bytes until they are verified again, repaired or put anew; the error that says so."""

    def check(self, digest: str) -> int:
        """See that the object is here and was not written since it was verified; its size. Raises as `open` does."""

    def size(self, digest: str) -> int | None:
        """Bytes of the object, None when it is not here, or as `check` sees it damaged."""

    def size_to_keep(self, digest: str) -> int | None:
        """As `size`; where they are here, they stay for `PINNED_S` at least, as after a put, and have a file."""

    def bring(self, digests: Iterable[str]) -> list[str]:
        """See that they are files of this host, for a quarter of an hour at least; those that cannot be had.

        Raises StorageFull.
        """

    def is_on_disk(self, digest: str) -> bool:
        """Whether its file is here and survives power loss; it stays then as after a put. Hardly blocks."""

    def address(self, digest: str, seconds: float) -> str | None:
        """A URL of the store that has them, for whoever may read this object, good for so long.

        Empty where it is of no use: the object is small, or is not there. None: this store has none of any object.
        """

    def look_ahead(self, digests: Iterable[str]) -> None:
        """Many are asked about soon: where they are not near, all are looked for together."""

    def put_at(self, digest: str) -> Micros | None:
        """When the bytes were put here first; None when they are not here."""

    def delete(self, digest: str) -> bool:
        """Forget the bytes, silent when they are not here. False: somebody asked to keep them just now."""

    def list(self) -> Iterator[str]:
        """All digests, in no particular order."""
