"""`python -m faena.server.objects_examination FOLDER WANTED`: whether a workspace's bucket has what rows refer to.

WANTED is a file with a line for each of these objects, sorted: its digest and, where a row tells it, its size. Says in
lines of JSON what is missing and what is damaged, then how much there is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from faena.kernel.errors import FaenaError, StoreUnavailable, WorkspaceException
from faena.kernel.startup_errors import REFUSED
from faena.objects.bucket.examining import examine
from faena.objects.bucket.store import Bucket
from faena.workspaces import objects_place

_PATIENCE = 0.3
"""Somebody waits before a screen."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("wanted", type=Path)
    parser.add_argument("--sample", type=int, required=True)
    parser.add_argument("--deep", action="store_true")
    asked = parser.parse_args()
    try:
        if (place := objects_place.place(asked.folder)) is None:
            raise WorkspaceException(f"The objects are in {asked.folder}.")
        bucket = Bucket(place.address, "", patience=_PATIENCE)  # it is read only
        for found in examine(bucket, _lines(asked.wanted), sample=asked.sample, deep=asked.deep):
            sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    except StoreUnavailable as error:
        sys.stderr.write(f"{error.message.partition(' What was acknowledged')[0]}\n")
        sys.exit(REFUSED)
    except FaenaError as error:
        sys.stderr.write(f"{error.message}\n")
        sys.exit(REFUSED)


def _lines(path: Path) -> Iterator[tuple[str, int | None]]:
    with path.open() as file:
        for line in file:
            digest, _, size = line.strip().partition(" ")
            yield digest, int(size) if size else None


if __name__ == "__main__":
    main()
