"""What the page of environments shows: those on this machine, the last used first, and those registered by name."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from faena.comparison.packages import versions as packages_of
from faena.db import Read
from faena.environments import listing, shelf
from faena.environments.model import Lock
from faena.environments.schemas import EnvironmentRequest
from faena.environments.shelf import Kept, Looked
from faena.kernel.clock import Micros
from faena.kernel.plural import counted
from faena.runs import lock_users
from faena.server.pages.addresses import ENVIRONMENTS, environment_address, named_environment_address
from faena.server.pages.paging import ROWS, Paged
from faena.server.pages.words import size

_LONGEST = 200


class Row(Struct, frozen=True):
    digest: str
    address: str
    state: str
    python: str
    packages: str
    size: str
    """Empty while nobody has taken it."""
    last_used: Micros
    runs: int
    cause: str


class NamedRow(Struct, frozen=True):
    name: str
    address: str
    version: int
    versions: str
    asked: str
    created_at: Micros


class EnvironmentList(Struct, frozen=True):
    rows: list[Row]
    paged: Paged
    named: list[NamedRow]
    named_paged: Paged
    is_live: bool
    """Whether something is being built, or a size is still to be taken."""


class Shelf(Struct, frozen=True):
    """What a look at the disk found, for one page of the list."""

    kept: list[Kept]
    looked: Mapping[str, Looked]
    total: int


def look(text: str, start: int) -> Shelf:
    there = shelf.listed(text.strip().lower())
    kept = there[start : start + ROWS]
    return Shelf(kept, shelf.look([each.digest for each in kept]), len(there))


def build(read: Read, seen: Shelf, text: str, start: int, named_start: int) -> EnvironmentList:
    text = text.strip()
    runs = lock_users.counts(read, [each.digest for each in seen.kept])
    rows = [_row(each, seen.looked[each.digest], runs.get(each.digest, 0)) for each in seen.kept]
    named, total = listing.latest(read, text, named_start, ROWS)
    others = {"named": str(named_start) if named_start else ""}
    return EnvironmentList(
        rows=rows,
        paged=Paged(ENVIRONMENTS, seen.total, start, text, others=others),
        named=[
            NamedRow(
                each.view.name,
                named_environment_address(each.view.name),
                each.view.version,
                counted(each.versions, "version"),
                asked(each.view.definition.request),
                each.view.created_at,
            )
            for each in named
        ],
        named_paged=Paged(
            ENVIRONMENTS,
            total,
            named_start,
            text,
            others={"from": str(start) if start else ""},
            key="named",
        ),
        is_live=any(row.state == "building" or (row.state == "ready" and not row.size) for row in rows),
    )


def _row(kept: Kept, found: Looked, runs: int) -> Row:
    return Row(
        digest=kept.digest,
        address=environment_address(kept.digest),
        state=found.state,
        python=python(found.lock),
        packages=f"{count(found.lock):,}" if found.lock and found.lock.built else "",
        size="" if found.size is None else size(found.size),
        last_used=kept.last_used,
        runs=runs,
        cause=_short(found.cause),
    )


def python(lock: Lock | None) -> str:
    return f"{lock.interpreter.implementation} {lock.interpreter.version}" if lock else ""


def count(lock: Lock) -> int:
    return len(packages_of(lock.requirements)) + len(lock.archives)


def asked(request: EnvironmentRequest) -> str:
    """In a line."""
    parts = [
        f"Python {request.python}" if request.python else "",
        f"{request.framework} {request.framework_version or ''}".strip() if request.framework else "",
        request.interpreter or "",
        *request.conda_packages[:10],
        *request.packages[:10],
    ]
    more = max(0, len(request.conda_packages) - 10) + max(0, len(request.packages) - 10)
    return _short(", ".join(part for part in parts if part)) + (f" and {more:,} more" if more else "")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
