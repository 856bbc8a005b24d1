"""Files that another run has left, on their way to a script: found by their digests, each verified."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import IO, Any

from faena.data.sources import Contents, Member
from faena.data.staging import TRUSTED_S, Verified, check_path, stamp
from faena.kernel import digests
from faena.kernel.errors import NotFound, SnapshotException


class LeftFiles:
    """`open_object` and `verified`: of the node, see `faena.node.home.Home`."""

    def __init__(
        self, open_object: Callable[[str], IO[bytes]], verified: MutableMapping[str, Verified]
    ) -> None:
        self._open = open_object
        self._verified = verified

    def contents(self, source: Mapping[str, Any], progress: Callable[[], None]) -> Contents:
        """Raises NotFound for what has gone, SnapshotException for what is damaged, what `progress` does."""
        if source["missing"]:
            raise NotFound(source["missing"])
        members = []
        for file in source["files"]:
            progress()
            place = self._place(source, file)
            # the bytes lie in a folder of two digits, one of many in the store
            members.append(Member(check_path(file["path"]), place, place.parent.parent))
        return Contents(members, [])

    def _place(self, source: Mapping[str, Any], file: Mapping[str, Any]) -> Path:
        digest = str(file["digest"])
        try:
            opened = self._open(digest)
        except FileNotFoundError:
            raise _damaged(source, file, "gone from") from None
        with opened:
            place, seen, known = Path(opened.name), stamp(opened), self._verified.get(digest)
            if known and known.stamp == seen and time.monotonic() - known.at < TRUSTED_S:
                return place
        if digests.of_file(place) != digest:
            raise _damaged(source, file, "damaged in")
        if seen is not None:
            self._verified[digest] = Verified(seen, time.monotonic())
        return place


def _damaged(source: Mapping[str, Any], file: Mapping[str, Any], how: str) -> SnapshotException:
    return SnapshotException(
        f"The bytes of {file['path']!r} in {source['path']} of run {source['run']} are {how} the workspace (object "
        f"{file['digest']}). `faena repair` looks for them elsewhere; or have that run again."
    )
