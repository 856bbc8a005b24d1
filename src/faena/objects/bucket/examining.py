"""Whether a bucket has what is wanted of it, and as it was put there. Nothing is changed."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby

from msgspec import Struct

from faena.objects.bucket.store import Bucket

SAMPLE_BYTES = 256_000_000
"""What a sample reads at most."""
_TOGETHER = 16
_PARTS = [f"{number:02x}" for number in range(256)]


class Found(Struct, frozen=True, tag=True):
    """Of one object."""

    digest: str
    how: str
    """`missing` or `damaged`."""


class Total(Struct, frozen=True, tag=True):
    wanted: int
    extra: int
    """In the bucket, and nothing refers to them."""
    extra_size: int
    read: int
    read_size: int


class _Sample:
    """So many of those that it is shown, each as likely as the others."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen = 0
        self.chosen: list[tuple[str, int]] = []

    def show(self, digest: str, size: int) -> None:
        self._seen += 1
        if len(self.chosen) < self._most:
            self.chosen.append((digest, size))
        elif (place := random.randrange(self._seen)) < self._most:
            self.chosen[place] = (digest, size)


def examine(
    bucket: Bucket, wanted: Iterable[tuple[str, int | None]], *, sample: int, deep: bool
) -> Iterator[Found | Total]:
    """What is missing or damaged, and how much there is. `wanted`: digests, sorted, with sizes where they are known.

    So many of them are read again; `deep`: all. One part of 256 is in memory at a time. Raises StoreUnavailable.
    """
    by_part = groupby(wanted, key=lambda each: each[0][:2])
    part_wanted, its = next(by_part, ("", iter(())))
    count = extra = extra_size = read = read_size = 0
    chosen = _Sample(sample)
    with ThreadPoolExecutor(_TOGETHER, thread_name_prefix="examine") as pool:
        for part in _PARTS:
            here: dict[str, int | None] = {}
            if part_wanted == part:
                here = dict(its)
                part_wanted, its = next(by_part, ("", iter(())))
            there = dict(bucket.listed(part))
            count += len(here)
            extra += len(there.keys() - here.keys())
            extra_size += sum(there[digest] for digest in there.keys() - here.keys())
            sound = []
            for digest, size in here.items():
                if digest not in there:
                    yield Found(digest, "missing")
                elif size not in (None, there[digest]):
                    yield Found(digest, "damaged")
                else:
                    sound.append(digest)
                    chosen.show(digest, there[digest])
            if deep:
                for digest, is_whole in zip(sound, pool.map(partial(_is_whole, bucket), sound), strict=True):
                    read, read_size = read + 1, read_size + there[digest]
                    if not is_whole:
                        yield Found(digest, "damaged")
        for digest, size in () if deep else chosen.chosen:
            if read and read_size + size > SAMPLE_BYTES:
                continue
            read, read_size = read + 1, read_size + size
            if not _is_whole(bucket, digest):
                yield Found(digest, "damaged")
    yield Total(count, extra, extra_size, read, read_size)


def _is_whole(bucket: Bucket, digest: str) -> bool:
    hasher = hashlib.sha256()
    try:
        for data in bucket.read(digest):
            hasher.update(data)
    except KeyError:  # deleted meanwhile, by who may
        return True
    return hasher.hexdigest() == digest
