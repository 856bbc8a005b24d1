"""A bucket of S3 or what is compatible, of Azure Blob or of Google Cloud Storage: bytes by their digest.

<prefix>/objects/<first two digits>/<digest>
<prefix>/workspace                             the id of the workspace whose objects they are
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from faena.kernel.clock import Micros
from faena.kernel.errors import WorkspaceException
from faena.objects.bucket.opening import REQUEST_S, Address, has_keys, is_safe, opened
from faena.objects.bucket.patience import PUT_PATIENCE_S, READ_PATIENCE_S, Patience, said

_PART = 8 << 20
"""Bytes that are fetched by one request."""
_AHEAD = 4
"""Parts that are on their way together."""
_CHUNK = 1 << 20
"""Of those that come by one request, for which somebody waits."""
_PARTS_SENT = 4
"""Of 5 MiB, of a large file: each must be there in a minute, so that a slow line can do it."""
_OWNER = "workspace"


class Info(Struct, frozen=True):
    size: int
    put_at: Micros


class Bucket:
    """All methods may be called from any thread. Raises StoreUnavailable where the store does not do what it is asked.

    `workspace`: the id of the one whose bucket it is, or will be. `patience`: factor of the times for which it is
    waited. `request_s`: seconds that a request may take, however steadily something comes.
    """

    def __init__(
        self, address: Address, workspace: str, *, patience: float = 1.0, request_s: float = REQUEST_S
    ) -> None:
        """Raises WorkspaceException where there is no obstore, or the address says what cannot be."""
        self.address = address
        self._workspace = workspace
        self._is_ours = False
        self._is_safe = is_safe(address)
        self._gives_no_parts = False
        try:
            import obstore
            from obstore.exceptions import BaseError
        except ImportError:
            raise WorkspaceException(
                f"Objects in {address} need obstore: pip install 'faena[bucket]'."
            ) from None
        self._api = obstore
        self._faults: tuple[type[Exception], ...] = (BaseError, OSError)
        self._patience = Patience(address, self._faults, patience)
        try:
            self._store = opened(address, PUT_PATIENCE_S, request_s)
            self._reading = opened(address, READ_PATIENCE_S, request_s)
        except (BaseError, OSError, ValueError, TypeError) as error:
            raise WorkspaceException(f"The object store {address} cannot be used: {said(error)}.") from error

    def put(self, digest: str, source: Path | bytes) -> None:
        """Raises WorkspaceException where the bucket is another workspace's."""
        self.claim()
        self._patience.ask(
            lambda: self._api.put(self._store, _key(digest), source, max_concurrency=_PARTS_SENT),
            PUT_PATIENCE_S,
            f"to keep {digest}",
        )

    def put_parts(self, digest: str, parts: Iterator[bytes]) -> None:
        """Tried once. Raises what `parts` raises, StoreUnavailable, and as `put` does; nothing is put then."""
        self.claim()
        try:
            self._api.put(self._store, _key(digest), parts, max_concurrency=_PARTS_SENT)
        except self._faults as error:
            raise self._patience.unavailable(error, f"to keep {digest}") from error

    def info(self, digest: str) -> Info | None:
        """None where it is not there."""

        def look() -> Any:
            try:
                return self._api.head(self._reading, _key(digest))
            except FileNotFoundError:
                return None

        found = self._patience.ask(look, READ_PATIENCE_S, f"for {digest}")
        return found and Info(found["size"], int(found["last_modified"].timestamp() * 1_000_000))

    def read(self, digest: str, tell: Callable[[int], None] = lambda size: None) -> Iterator[bytes]:
        """The bytes as the store gives them, part by part; `tell` is given their number before the first of them.

        Raises KeyError where it has none.
        """

        def begin() -> Any:
            try:
                return self._api.get(self._reading, _key(digest))
            except FileNotFoundError:
                return None

        if (found := self._patience.ask(begin, READ_PATIENCE_S, f"for {digest}")) is None:
            raise KeyError(digest)
        size = found.meta["size"]
        tell(size)
        if size <= _PART or self._gives_no_parts:
            yield from self._parts_of(found, digest)
            return
        del found  # several requests bring it sooner
        starts = range(0, size, _PART)
        with ThreadPoolExecutor(_AHEAD, thread_name_prefix="bucket") as pool:
            coming = [pool.submit(self._part, digest, start, size) for start in starts[:_AHEAD]]
            try:
                for start in starts:
                    data = coming.pop(0).result()
                    if data is None:
                        break
                    yield data
                    if (later := start + _AHEAD * _PART) < size:
                        coming.append(pool.submit(self._part, digest, later, size))
                else:
                    return
            finally:
                for each in coming:
                    each.cancel()
        self._gives_no_parts = True
        yield from self._parts_of(self._patience.ask(begin, READ_PATIENCE_S, f"for {digest}"), digest)

    def _part(self, digest: str, start: int, size: int) -> bytes | None:
        """None where the store gives all or nothing."""

        def ask() -> bytes | None:
            end = min(start + _PART, size)
            try:
                return bytes(self._api.get_range(self._reading, _key(digest), start=start, end=end))
            except self._faults as error:
                if "non-partial" in str(error):
                    return None
                raise

        return self._patience.ask(ask, READ_PATIENCE_S, f"for {digest}")

    def _parts_of(self, found: Any, digest: str) -> Iterator[bytes]:
        try:
            if found.meta["size"] <= _CHUNK:
                yield bytes(found.bytes())
                return
            for part in found.stream(min_chunk_size=_CHUNK):
                yield bytes(part)
        except self._faults as error:  # in the midst of it: whoever asks again gets it from its beginning
            raise self._patience.unavailable(error, f"for {digest}") from error

    @property
    def is_reached_safely(self) -> bool:
        """Whether others may be sent there: by TLS, or on this host."""
        return self._is_safe

    def signed(self, digest: str, seconds: float) -> str:
        """A URL by which anybody reads this one object for so long."""
        return str(
            self._patience.ask(
                lambda: self._api.sign(self._store, "GET", _key(digest), timedelta(seconds=seconds)),
                READ_PATIENCE_S,
                "to sign",
            )
        )

    def delete(self, digest: str) -> None:
        """Silent where it is not there. Raises as `put` does."""
        self.claim()

        def forget() -> None:
            try:
                self._api.delete(self._store, _key(digest))
            except FileNotFoundError:
                return

        self._patience.ask(forget, PUT_PATIENCE_S, f"to delete {digest}")

    def list(self) -> Iterator[str]:
        return (digest for digest, _ in self.listed())

    def listed(self, first_two: str = "") -> Iterator[tuple[str, int]]:
        """Digests, all or those that begin so, with their sizes."""
        folder, last = f"objects/{first_two}".rstrip("/"), ""
        found: Any = None

        def some() -> Any:
            nonlocal found
            if found is None:  # a listing that failed once has nothing more
                found = iter(self._api.list(self._reading, folder, offset=last or None))
            try:
                return next(found, None)
            except BaseException:
                found = None
                raise

        while page := self._patience.ask(some, READ_PATIENCE_S, "what it has"):
            last = page[-1]["path"]
            yield from ((each["path"].rpartition("/")[2], each["size"]) for each in page)

    def claim(self) -> None:
        """Have it be our workspace's from now on. Raises WorkspaceException where it is another's."""
        if self._is_ours:
            return

        def look() -> bytes:
            try:
                return bytes(self._api.get(self._reading, _OWNER).bytes())
            except FileNotFoundError:
                return b""

        found = self._patience.ask(look, PUT_PATIENCE_S, "whose it is").decode(errors="replace").strip()
        if found and found != self._workspace:
            raise WorkspaceException(
                f"{self.address} has the objects of another workspace, {found[:80]!a}, whose copy this one may be. "
                f"Give a prefix of its own, such as {self.address}-2."
            )
        if not found:
            told = self._workspace.encode()
            self._patience.ask(lambda: self._api.put(self._store, _OWNER, told), PUT_PATIENCE_S, "to be ours")
        self._is_ours = True

    def try_out(self) -> None:
        """Put, read and delete a few bytes. Raises WorkspaceException, which says what failed, and how."""
        name, content = f"probe-{os.urandom(8).hex()}", os.urandom(64)
        steps: dict[str, Callable[[], Any]] = {
            "write": lambda: self._api.put(self._store, name, content),
            "read": lambda: bytes(self._api.get(self._reading, name).bytes()),
            "list": lambda: next(iter(self._api.list(self._reading, "objects")), None),
            "delete": lambda: self._api.delete(self._store, name),
        }
        wrong = []
        for verb, step in steps.items():
            try:
                if (found := step()) != content and verb == "read":
                    wrong.append(f"what was read is not what was written, but {len(found)} other bytes")
            except self._faults as error:
                wrong.append(f"it does not let us {verb} ({said(error)})")
                if verb == "write":
                    break
        if wrong:
            keys = "" if has_keys(self.address) else " This server's environment has no keys for it."
            raise WorkspaceException(
                f"The object store {self.address} cannot be used: {'; '.join(wrong)}.{keys} See that the "
                "bucket is there, that region and endpoint are right, and that the credentials may write there."
            )


def _key(digest: str) -> str:
    return f"objects/{digest[:2]}/{digest}"
