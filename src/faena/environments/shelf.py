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

_LENGTH = 64
_DIGEST = re.compile(rf"[0-9a-f]{{{_LENGTH}}}")
_FAILED = ".failed.json"
_LOG_BYTES = 64 << 10
_SECONDS = 0.3
"""For sizes that nobody has taken yet, in one look."""
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
    found = {digest: Kept(digest, False, at) for digest, at in _failures(folders.locks(), text)}
    found |= {digest: Kept(digest, False, at) for digest, at in _failures(folders.envs(), text)}
    envs = folders.envs()
    with os.scandir(envs) as entries:
        there = [entry.name for entry in entries if len(entry.name) == _LENGTH and entry.is_dir()]
    for digest in there:
        if text in digest and _DIGEST.fullmatch(digest):
            found[digest] = Kept(digest, True, _time(f"{envs}/{digest}.lock"))
    return sorted(found.values(), key=lambda each: (-each.last_used, each.digest))


def _failures(folder: Path, text: str) -> list[tuple[str, Micros]]:
    """Digests of builds that failed, and when."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.endswith(_FAILED)]
    digests_of = [(name[:_LENGTH], name) for name in names if _DIGEST.fullmatch(name[:_LENGTH])]
    return [(digest, _time(f"{folder}/{name}")) for digest, name in digests_of if text in digest]


def _time(place: str | Path) -> Micros:
    try:
        return os.stat(place).st_mtime_ns // 1000  # noqa: PTH116  a third of the time, ten thousand times
    except OSError:
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
    for path in _beside(digest, _FAILED):
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
