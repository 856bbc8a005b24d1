"""A file on its way here: whole under its name or not there, and continued where an answer broke off."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

from faena.kernel.connections import Answer
from faena.kernel.errors import UserErrorException

_BLOCK = 1 << 20
"""Bytes that are written and digested at once. They are read into the same few blocks again and again."""
_MOST_WAITING = 4
"""Blocks that are written and not digested yet."""
_PARTIAL = 206
_RANGE = re.compile(r"bytes (\d{1,18})-.*")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/=]{44}):")


class _Hasher:
    """Digests what comes in blocks, the second of them and later ones on a thread of its own, while more comes."""

    def __init__(self, until: ExitStack) -> None:
        """Its thread ends with `until`."""
        self._until = until
        self._hash = hashlib.sha256()
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: deque[tuple[Future[None], memoryview]] = deque()
        self._free: memoryview | None = None

    def block(self, left: int | None) -> memoryview:
        """Room for some of what is left: a block that nobody reads any more."""
        size = _BLOCK if left is None else max(1, min(_BLOCK, left))
        if self._free is None and len(self._waiting) > _MOST_WAITING:
            digested, block = self._waiting.popleft()
            digested.result()
            self._free = block
        free, self._free = self._free, None
        return free[:size] if free is not None and len(free) >= size else memoryview(bytearray(size))

    def update(self, block: memoryview, size: int) -> None:
        """The block is given back."""
        if size < _BLOCK and not self._waiting:
            self._hash.update(block[:size])
            self._free = block
            return
        if self._pool is None:
            self._pool = self._until.enter_context(ThreadPoolExecutor(1, thread_name_prefix="digest"))
        self._waiting.append((self._pool.submit(self._hash.update, block[:size]), block))

    def hexdigest(self) -> str:
        while self._waiting:
            self._waiting.popleft()[0].result()
        return self._hash.hexdigest()


class PartialFile:
    """Its context removes what has not become whole. Raises UserErrorException when the file cannot be written."""

    def __init__(self, target: Path, *, expected: str = "") -> None:
        """`expected`: the digest that its bytes must have; empty: what is told where they come from."""
        self._expected = expected
        self._target = target
        # a name of its own: of several that write one file at once, each is whole and the last one stays
        self._path = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.part")
        self._open = ExitStack()
        self._tag = ""
        self._digest = ""
        self._restart()

    def __enter__(self) -> Self:
        with self._translated():
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._open.enter_context(self._path.open("xb"))
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # what could not be written is not kept
            self._open.close()
        self._path.unlink(missing_ok=True)

    @property
    def goes_on(self) -> bool:
        """Whether the bytes that are here need not come again."""
        return bool(self._tag) and self.size > 0

    @property
    def headers(self) -> dict[str, str]:
        """Ask for the bytes that are not here yet; for all of them, where they are others by now."""
        return {"Range": f"bytes={self.size}-", "If-Range": self._tag} if self.goes_on else {}

    def take(self, answer: Answer, progress: Callable[[], None] = lambda: None) -> None:
        """`progress` is called between parts and may raise to stop."""
        where = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        # some stores say 200 of a part: where the digest is known it will tell
        is_rest = answer.status == _PARTIAL or bool(self._expected)
        if not is_rest or where is None or int(where[1]) != self.size:
            self._restart()
            with self._translated():
                self._file.seek(0)
                self._file.truncate()
        self._tag = answer.headers.get("ETag", "")
        told = _DIGEST.fullmatch(answer.headers.get("Repr-Digest", ""))
        self._digest = base64.b64decode(told[1]).hex() if told else ""
        self._digest = self._expected or self._digest
        block = self._hasher.block(answer.left)
        while count := answer.fill(block):
            with self._translated():
                self._file.write(block[:count])
            self.size += count
            if self._digest:
                self._hasher.update(block, count)
                block = self._hasher.block(answer.left)
            progress()

    def put(self, data: bytes) -> None:
        """All of it, from somewhere else."""
        with self._translated():
            self._file.write(data)

    @property
    def is_sound(self) -> bool:
        """Whether its bytes have the digest that was told, if one was."""
        return self._digest in ("", self._hasher.hexdigest())

    @property
    def digest(self) -> str:
        """What it was told that its bytes have; empty: nothing."""
        return self._digest

    def keep(self) -> None:
        with self._translated():
            self._file.close()
            self._path.replace(self._target)

    def _restart(self) -> None:
        self.size = 0
        self._hasher = _Hasher(self._open)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: a NUL, or no name at all
            reason = getattr(error, "strerror", None) or error
            raise UserErrorException(f"{str(self._target)[:300]!r} cannot be written: {reason}.") from error
