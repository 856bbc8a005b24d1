"""Brings objects from a server into files: small ones many at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from faena.kernel import batches

if TYPE_CHECKING:
    from faena.kernel.transport import Transport

_LONG = 600.0
"""Seconds that the server may take to have a batch, of which some may be in a bucket."""


def fetch(transport: Transport, wanted: Iterable[tuple[str, int, Path]]) -> None:
    """Each object, given by its digest and size, into its file, whole or not at all.

    Raises UserErrorException for a file that cannot be written, and what the server says of an object.
    """
    places: dict[str, list[Path]] = {}
    sizes: dict[str, int] = {}
    for digest, size, target in wanted:
        places.setdefault(digest, []).append(target)
        sizes[digest] = size
    small = [(digest, size) for digest, size in sizes.items() if size < batches.LARGEST]
    if len(small) > 1:  # one comes as fast by itself
        for asked in batches.of(small):
            for digest, data in _several(transport, asked):
                for target in places.pop(digest, ()):
                    _write(target, data)
    for digest, targets in places.items():  # the large ones, and what the server did not have at hand
        for target in targets:
            one(transport, digest, target)


def one(transport: Transport, digest: str, target: Path, progress: Callable[[], None] = lambda: None) -> str:
    """An object of any size; see `Transport.download`."""
    if not transport.shares_files:
        from faena.kernel import from_store  # with a server elsewhere only

        if from_store.fetch(transport, digest, target, progress):
            return digest
    return transport.download(f"/objects/{digest}", target, progress)


def _several(transport: Transport, asked: list[str]) -> Iterable[tuple[str, bytes]]:
    body = json.dumps({"digests": asked}).encode()
    found = batches.read(transport.request("POST", "/objects/several", body, timeout=_LONG).data)
    return [(digest, data) for digest, data in found if hashlib.sha256(data).hexdigest() == digest]


def _write(target: Path, data: bytes) -> None:
    from faena.kernel.partial_file import PartialFile  # with what few load

    with PartialFile(target) as file:
        file.put(data)
        file.keep()
