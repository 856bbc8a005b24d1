"""A file on its way here: whole under its name or not there, and continued where an answer broke off."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from faena.kernel.connections import Answer
from faena.kernel.errors import UserErrorException

_PART = 1 << 20
_RANGE = re.compile(r"bytes (\d{1,18})-.*")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/=]{44}):")


class PartialFile:
    """Its context removes what has not become whole. Raises UserErrorException when the file cannot be written."""

    def __init__(self, target: Path) -> None:
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
        if answer.status != 206 or where is None or int(where[1]) != self.size:
            self._restart()
            with self._translated():
                self._file.seek(0)
                self._file.truncate()
        self._tag = answer.headers.get("ETag", "")
        told = _DIGEST.fullmatch(answer.headers.get("Repr-Digest", ""))
        self._digest = base64.b64decode(told[1]).hex() if told else ""
        while part := answer.read1(_PART):  # as it comes: what waits for more is lost where it breaks off
            with self._translated():
                self._file.write(part)
            self.size += len(part)
            if self._digest:
                self._hasher.update(part)
            progress()

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
        self._hasher = hashlib.sha256()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: a NUL, or no name at all
            reason = getattr(error, "strerror", None) or error
            raise UserErrorException(f"{str(self._target)[:300]!r} cannot be written: {reason}.") from error
