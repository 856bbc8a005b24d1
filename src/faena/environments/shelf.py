"""The environments on this machine, as a page looks at them: in steps that do not grow with their number or size."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from faena.environments import cache, folders, ready
from faena.environments.failures import Failure
from faena.environments.model import Lock
from faena.kernel import digests
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException

_NAMED = re.compile(r"([0-9a-f]{64})(?:-[\w.\-]+)?(\.failed\.json)?")
_LOG_BYTES = 64 << 10
_SECONDS = 0.3
"""For sizes that nobody has taken yet, in one look; the first is taken however long that is."""
_sizes: dict[tuple[str, Micros], int] = {}
_MOST_SIZES = 10_000


class Kept(Struct, frozen=True):
    """An environment's folder, or what is remembered of a build that failed."""

    digest: str
    """Of the lock; of what was asked for, where that could not be resolved."""
    is_there: bool
    last_used: Micros
    """When it failed, where it did."""


class Looked(Struct, frozen=True):
    state: str
    """ready, building, half-made, failed; gone where there is nothing."""
    lock: Lock | None = None
    size: int | None = None
    """Bytes on disk; None: nobody has taken it yet."""
    cause: str = ""
    """Why the last build failed."""


def listed(text: str = "") -> list[Kept]:
    """Those whose digest has `text` in it, the last used first. Reads names and times only."""
    found: dict[str, Kept] = {}
    for folder, name in _names(folders.envs()) + _names(folders.locks()):
        match = _NAMED.fullmatch(name)
        if match is None or text not in match[1] or (match[2] is None and folder != folders.envs()):
            continue
        digest, is_there = match[1], match[2] is None
        if is_there or digest not in found:
            place = ready.hold_path(digest) if is_there else folder / name
            with suppress(FileNotFoundError, NotADirectoryError):
                if not is_there or (folder / name).is_dir():
                    found[digest] = Kept(digest, is_there, _time(place))
    return sorted(found.values(), key=lambda each: (-each.last_used, each.digest))


def _names(folder: Path) -> list[tuple[Path, str]]:
    with os.scandir(folder) as entries:
        return [(folder, entry.name) for entry in entries]


def _time(place: Path) -> Micros:
    try:
        return place.stat().st_mtime_ns // 1000
    except FileNotFoundError:
        return 0


def look(chosen: Sequence[str]) -> dict[str, Looked]:
    """At some of them, by digest."""
    until = time.monotonic() + _SECONDS
    return {digest: _look(digest, until) for digest in chosen}


def _look(digest: str, until: float) -> Looked:
    cause = _cause(digest)
    folder = folders.envs() / digests.check(digest)
    if not folder.is_dir():
        return Looked("failed" if cause else "gone", cause=cause)
    try:
        lock = Lock.from_json((folder / ready.LOCK_COPY).read_bytes())
    except (OSError, UserErrorException):
        lock = None
    if ready.ready_python(digest) is not None:
        return Looked("ready", lock, _size(folder, until))
    state = "building" if cache.holder(digest) == "a build" else "failed" if cause else "half-made"
    return Looked(state, lock, None, cause)


def _size(folder: Path, until: float) -> int | None:
    """Of one that is ready, which changes little: taken once as it was made."""
    key = (folder.name, _time(folder / ready.READY))
    if key not in _sizes and time.monotonic() < until:
        if len(_sizes) >= _MOST_SIZES:
            _sizes.clear()
        _sizes[key] = cache.bytes_of(folder)
    return _sizes.get(key)


def _cause(digest: str) -> str:
    for path in _beside(digest, ".failed.json"):
        with suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(path.read_bytes(), type=Failure).message
    return ""


def log(digest: str) -> str:
    """The end of what its last build said; empty where nothing is kept."""
    for path in _beside(digest, ".log"):
        with suppress(OSError), path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _LOG_BYTES))
            data = file.read(_LOG_BYTES)
            return data[data.find(b"\n") + 1 if size > _LOG_BYTES else 0 :].decode(errors="replace")
    return ""


def _beside(digest: str, suffix: str) -> tuple[Path, Path]:
    """Of a lock, and of what was asked for on this kind of machine."""
    digests.check(digest)
    return (
        folders.envs() / f"{digest}{suffix}",
        folders.locks() / f"{digest}-{folders.platform_tag()}{suffix}",
    )
