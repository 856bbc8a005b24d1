"""Brings files to a server by their bytes: those that it has not, and of a large one what has not come yet."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from faena.kernel import batches, digests
from faena.kernel.errors import ServerUnreachable, UserErrorException

if TYPE_CHECKING:
    from faena.kernel.transport import Transport

PIECE = 1 << 30
"""Bytes of one request. What came of one that broke off counts."""
_READ = 256 << 10
_MOST_IN_VAIN = 3
_ASKED_TOGETHER = 10_000
_COPYING = 3600.0
"""Seconds that the server may take to verify what has come."""


def bring(transport: Transport, paths: Iterable[str | Path]) -> dict[str, str]:
    """Have the server hold these files' bytes, for an hour at least; their digests by path.

    Raises UserErrorException for one that cannot be read or changes meanwhile.
    """
    found = {str(path): _digest(Path(path)) for path in paths}
    by_digest = {digest: Path(path) for path, digest in found.items()}
    wanted = list(by_digest)
    for start in range(0, len(wanted), _ASKED_TOGETHER):
        asked = {"digests": wanted[start : start + _ASKED_TOGETHER]}
        missing = transport.json("POST", "/objects/missing", asked)
        _send_all(transport, {digest: by_digest[digest] for digest in missing})
    return found


def bring_some(
    transport: Transport, paths: Iterable[str | Path]
) -> tuple[dict[str, str], dict[str, UserErrorException]]:
    """As `bring`: the digests of those that could be read and did not change, and why others could not be sent."""
    asked = list(dict.fromkeys(map(str, paths)))
    brought, refused = _bring_or_tell(transport, asked)
    if refused is None:
        return brought, {}
    if len(asked) == 1:
        return {}, {asked[0]: refused}
    told: dict[str, UserErrorException] = {}
    for path in asked:
        found, why = _bring_or_tell(transport, [path])
        brought |= found
        if why is not None:
            told[path] = why
    return brought, told


def _bring_or_tell(
    transport: Transport, paths: list[str]
) -> tuple[dict[str, str], UserErrorException | None]:
    """All of them, or what is wrong with one."""
    try:
        return bring(transport, paths), None
    except OSError as error:  # it went while it was sent
        return {}, _unreadable(Path(error.filename or paths[0]), error)
    except UserErrorException as error:
        if type(error) is not UserErrorException:  # of the sender, such as a token that is none
            raise
        return {}, error


def send(transport: Transport, digest: str, path: Path) -> None:
    """Send a file's bytes, from where an earlier time broke off, as long as each time brings something.

    Raises UserErrorException where it is not, or no more, of this digest.
    """
    at = _look(transport, digest)
    began = int(at["offset"])
    try:
        _send_rest(transport, digest, path, at)
    except UserErrorException:
        if not began:
            raise
        # what was there before may have been spoiled, and is thrown away now
        _send_rest(transport, digest, path, {"offset": 0, "kept": False})


def _send_rest(transport: Transport, digest: str, path: Path, at: dict[str, int | bool]) -> None:
    in_vain = 0
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            while not at["kept"]:
                offset = min(int(at["offset"]), size)
                piece = _Piece(file, offset, min(PIECE, size - offset))
                where = f"/uploads/{digest}?offset={offset}&size={size}"
                try:
                    answer = transport.request(
                        "PUT", where, piece, headers=piece.headers, timeout=_COPYING, patience=0.0
                    )
                    at = json.loads(answer.data)
                except ServerUnreachable:  # what came of the piece counts
                    at = _look(transport, digest)
                in_vain = 0 if at["kept"] or int(at["offset"]) > offset else in_vain + 1
                if in_vain > _MOST_IN_VAIN:
                    raise ServerUnreachable(
                        f"{transport.server.title} takes nothing of {path}. {transport.server.advice}"
                    )
    except OSError as error:
        raise _unreadable(path, error) from error


def _look(transport: Transport, digest: str) -> dict[str, int | bool]:
    found: dict[str, int | bool] = transport.json("GET", f"/uploads/{digest}")
    return found


class _Piece:
    """Bytes of a file that are read as they are sent, as often as it takes."""

    def __init__(self, file: BinaryIO, offset: int, size: int) -> None:
        self._file = file
        self._offset = offset
        self._size = size

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Length": str(self._size)}

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(self._offset)
        left = self._size
        while left:
            data = self._file.read(min(_READ, left))
            if not data:
                raise UserErrorException(
                    f"{self._file.name} changed while it was sent. Send it when it is whole."
                )
            left -= len(data)
            yield data


def _send_all(transport: Transport, files: dict[str, Path]) -> None:
    for batch in _batches(files):
        transport.request("POST", "/objects/batch", batches.write(batch), timeout=_COPYING)
    for digest, path in files.items():
        if path.stat().st_size >= batches.LARGEST:
            send(transport, digest, path)


def _batches(files: dict[str, Path]) -> Iterator[list[tuple[str, bytes]]]:
    """Small files, as many at a time as one request takes."""
    batch: list[tuple[str, bytes]] = []
    size = 0
    for digest, path in files.items():
        if path.stat().st_size >= batches.LARGEST:
            continue
        data = path.read_bytes()
        if batch and (len(batch) == batches.MOST_OBJECTS or size + len(data) > batches.MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((digest, data))
        size += len(data)
    if batch:
        yield batch


def _digest(path: Path) -> str:
    try:
        if not path.is_file():  # reading a pipe or a device would never end
            raise UserErrorException(f"There is no file {str(path)[:300]!r}. Give a regular file's path.")
        return digests.of_file(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> UserErrorException:
    return UserErrorException(f"{str(path)[:300]!r} cannot be read: {error.strerror or error}.")
