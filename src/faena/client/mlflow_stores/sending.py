"""Bytes of artifacts and of long metrics, brought to the workspace's server before what refers to them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from faena.client.api import ServerApi
from faena.kernel import batches, digests, uploads
from faena.kernel.errors import UserErrorException
from faena.mlflow.moving.schemas import FLOAT_BYTES, FileGiven, Points

_LONG = 200_000
"""Points of a metric from which they go as an object: a request has a bound."""


class Sender:
    """`look`: nothing is sent, digests are taken alone."""

    def __init__(self, api: ServerApi, *, look: bool) -> None:
        self._api = api
        self._look = look

    def files(self, places: Iterable[Path]) -> tuple[dict[Path, FileGiven], dict[Path, str]]:
        """(those that the server has now, why others cannot be had), by their places."""
        sizes: dict[Path, int] = {}
        refused: dict[Path, str] = {}
        for place in dict.fromkeys(places):
            try:
                sizes[place] = place.stat().st_size
            except OSError as error:
                refused[place] = error.strerror or str(error)
        small = [place for place, size in sizes.items() if size < batches.LARGEST]
        large = [place for place, size in sizes.items() if size >= batches.LARGEST]
        if self._look:
            found, told = _digested(sizes)
        else:
            brought, whys = uploads.bring_some(self._api.transport, small)
            found = {Path(path): digest for path, digest in brought.items()}
            told = {Path(path): error.message for path, error in whys.items()}
            more, why = _digested(large)
            missing = self._missing(more.values())
            for place, digest in more.items():
                if digest in missing:
                    try:
                        self._api.take_file(digest, place)
                    except UserErrorException as error:
                        if type(error) is not UserErrorException:
                            raise
                        why[place] = error.message
            found |= {place: digest for place, digest in more.items() if place not in why}
            told |= why
        given = {place: FileGiven(digest, sizes[place]) for place, digest in found.items()}
        return given, refused | told

    def metrics(self, given: Mapping[str, Points]) -> dict[str, Points]:
        """The same, with long ones as objects."""
        return {
            name: self._long(points) if points.count > _LONG else points for name, points in given.items()
        }

    def _long(self, points: Points) -> Points:
        data = points.times_ms + points.steps + points.values
        digest = hashlib.sha256(data).hexdigest()
        assert len(data) == 3 * FLOAT_BYTES * points.count
        if self._missing([digest]):
            self._api.send_object(digest, data)
        return msgspec.structs.replace(points, times_ms=b"", steps=b"", values=b"", object=digest)

    def _missing(self, wanted: Iterable[str]) -> set[str]:
        asked = list(dict.fromkeys(wanted))
        return (
            set(self._api.transport.json("POST", "/objects/missing", {"digests": asked})) if asked else set()
        )


def _digested(places: Iterable[Path]) -> tuple[dict[Path, str], dict[Path, str]]:
    found: dict[Path, str] = {}
    refused: dict[Path, str] = {}
    for place in places:
        try:
            found[place] = digests.of_file(place)
        except OSError as error:
            refused[place] = error.strerror or str(error)
    return found, refused
