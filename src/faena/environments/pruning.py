"""Use cases of the environments on this machine: what there is, what may go."""

from __future__ import annotations

import math
from collections.abc import Set
from typing import Literal

import msgspec

from faena.environments import archives, cache
from faena.environments.cache import CachedEnvironment, FailedBuild
from faena.environments.model import Lock
from faena.environments.schemas import BuiltView, PruneRequest, PruneView
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict, NotFound, UserErrorException

_DAY = 86_400_000_000
SHORTEST = 6
"""Characters of a digest that name an environment."""


def built(needed: Set[str]) -> list[BuiltView]:
    """Environments, the last used first, then failed builds. `needed`: digests that runs wait with."""
    there = [_view(each, needed) for each in cache.list_environments()]
    digests = {each.digest for each in there}
    return there + [_failed(each) for each in cache.list_failures() if each.digest not in digests]


def prune(asked: PruneRequest, needed: Set[str], now: Micros) -> PruneView:
    """Remove what nothing used for long, or what is named; what a run or a build holds stays.

    Raises UserErrorException and NotFound for what is not a digest here.
    """
    if not (math.isfinite(asked.unused_days) and asked.unused_days >= 0):
        raise UserErrorException(f"unused_days is {asked.unused_days}. Use days, 0 or more.")
    there = built(needed)
    wanted = [_find(there, digest) for digest in asked.digests] or [
        each for each in there if _is_old(each, now - int(min(asked.unused_days, 36500) * _DAY))
    ]
    removed: list[BuiltView] = []
    kept: list[BuiltView] = []
    for each in wanted:
        if each.held_by:
            kept.append(each)
        elif asked.dry_run or _remove(each):
            removed.append(each)
        else:
            kept.append(msgspec.structs.replace(each, held_by="a process"))
    freed = sum(each.bytes_used for each in removed)
    if not asked.dry_run and not asked.digests:
        freed += archives.prune(cache.made_of(), asked.unused_days * 86_400)
    return PruneView(removed, kept, freed)


def _is_old(each: BuiltView, since: Micros) -> bool:
    return each.state == "half-made" or (each.last_used <= since and each.state != "building")


def _remove(each: BuiltView) -> bool:
    if each.state == "failed":
        cache.forget_failure(each.digest)
        return True
    try:
        return cache.prune(each.digest)
    except NotFound:  # somebody else removed it
        return True


def _find(there: list[BuiltView], digest: str) -> BuiltView:
    """By a digest or its beginning."""
    found = [each for each in there if len(digest) >= SHORTEST and each.digest.startswith(digest)]
    if len(found) == 1:
        return found[0]
    shown = f"{digest[:80]!r}"
    if found:
        raise UserErrorException(f"More than one environment starts with {shown}. Give more of the digest.")
    if len(digest) < SHORTEST:
        raise UserErrorException(f"{shown} is too short: give {SHORTEST} or more characters of the digest.")
    raise NotFound(f"There is no environment {shown} on this machine. `faena env list` shows those that are.")


def _view(each: CachedEnvironment, needed: Set[str]) -> BuiltView:
    held = cache.holder(each.digest) or ("a run that waits" if each.digest in needed and each.ready else "")
    state: Literal["ready", "building", "half-made"]
    state = "ready" if each.ready else "building" if held == "a build" else "half-made"
    return BuiltView(
        digest=each.digest,
        state=state,
        python=each.lock.interpreter.version if each.lock else "",
        requirements=pinned(each.lock) if each.lock else [],
        bytes_used=each.bytes_used,
        last_used=each.last_used,
        held_by=held,
    )


def pinned(lock: Lock) -> list[str]:
    """`numpy==1.23.5` and its like, without hashes."""
    lines = [line for line in lock.requirements.splitlines() if line and not line.startswith(" ")]
    brought = [f"{each.name} @ {each.given or each.filename}" for each in lock.archives]
    return brought + [line.removesuffix("\\").strip() for line in lines]


def _failed(each: FailedBuild) -> BuiltView:
    return BuiltView(each.digest, "failed", "", [], 0, each.failure.at, cause=each.failure.message)


def remove_for_rebuild(digest: str, needed: Set[str]) -> None:
    """Take away what is there, so that it is built anew. Raises Conflict while something holds it."""
    try:
        if digest not in needed and cache.prune(digest):
            return
    except NotFound:
        return
    raise Conflict(
        f"The environment {digest[:12]} is in use, so that it cannot be built anew now. Wait for the runs that have "
        "it, or cancel them; just after a build, its bytecode is compiled for some seconds."
    )
