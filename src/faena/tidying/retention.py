"""Use cases of retention rules: keep them, and apply them. What a rule takes away can be undone like any deletion."""

from __future__ import annotations

import math
from functools import partial
from urllib.parse import quote

from faena.db import Database, Read, Write
from faena.environments import pruning
from faena.environments.schemas import PruneRequest
from faena.kernel import clock as clocks
from faena.kernel.clock import Micros
from faena.kernel.errors import FaenaError, NotFound, UserErrorException
from faena.kernel.lanes import BYTES
from faena.kernel.plural import counted
from faena.people import store as people
from faena.people.schemas import AuditEntry
from faena.runs import store as runs
from faena.search import language
from faena.tidying import deleting
from faena.tidying.schemas import (
    AnyRule,
    Applied,
    DeletionRequest,
    KeepAudit,
    KeepBest,
    KeepEnvironments,
    KeepLogs,
    KeepOfLog,
    KeepRuns,
    RuleView,
)
from faena.tidying.store import deletions
from faena.tidying.store import rules as store
from faena.workspaces import needs
from faena.workspaces import store as workspaces

_DAY = 86_400_000_000
_LEAST_DAYS = 1
"""With less, a rule would take runs away that ended a moment ago, and all those that are there."""
_LONGEST_DAYS = 36_500
_LEAST_LOG = 1 << 16
_LEAST_AUDIT_DAYS = 30
"""Who has done something is not to be able to have it forgotten at once."""
_ROWS_TOGETHER = 5_000
"""Rows of the audit log that go in one transaction, for which everybody waits who writes."""
_RUNS_TOGETHER = 1_000
"""Runs that go by one deletion: marking them, and finding out what that frees, takes a fifth of a second."""
_PART = {KeepBest: "outputs", KeepLogs: "logs", KeepRuns: "all"}


def check(rule: AnyRule) -> None:
    """Raises UserErrorException naming what cannot be."""
    if isinstance(rule, (KeepEnvironments, KeepOfLog)):
        least = _LEAST_LOG if isinstance(rule, KeepOfLog) else 0
        if rule.size < least:
            raise UserErrorException(f"size is {rule.size}. Use bytes, {least} or more.")
        return
    least = 0 if isinstance(rule, KeepBest) else _LEAST_DAYS
    if isinstance(rule, KeepAudit):
        least = _LEAST_AUDIT_DAYS
    if not (math.isfinite(rule.days) and least <= rule.days <= _LONGEST_DAYS):
        instead = " What should go now goes by `faena delete`." if least == _LEAST_DAYS else ""
        raise UserErrorException(f"days is {rule.days:g}. Use days, {least} to {_LONGEST_DAYS}.{instead}")
    if not isinstance(rule, KeepAudit) and rule.filter is not None:
        language.parse(rule.filter)
    if isinstance(rule, KeepBest):
        if rule.best < 1:
            raise UserErrorException(f"best is {rule.best}. Use a whole number, 1 or more.")
        language.parse_field(rule.by.lstrip("+-"))


def listed(read: Read) -> list[RuleView]:
    return store.listed(read)


async def apply(database: Database, now: Micros, *, dry_run: bool) -> list[Applied]:
    """Apply all rules, or say what they would take away. Rules see what those before them have left.

    One that cannot be applied says why, and keeps none of the others from it.
    """
    found: list[Applied] = []
    for view in await database.read(store.listed):
        try:
            found += await _apply(database, view, now, dry_run=dry_run)
        except FaenaError as error:
            found.append(Applied(view.name, f"cannot be applied: {error.message}", 0))
    return found


async def _apply(database: Database, view: RuleView, now: Micros, *, dry_run: bool) -> list[Applied]:
    if isinstance(view.rule, KeepEnvironments):
        return await _limit_environments(database, view.name, view.rule, now, dry_run=dry_run)
    if isinstance(view.rule, KeepOfLog):
        return []
    if isinstance(view.rule, KeepAudit):
        return await _shorten_audit_log(database, view.name, view.rule, now, dry_run=dry_run)
    return await _delete(database, view.name, view.rule, now, dry_run=dry_run)


async def _delete(
    database: Database, name: str, rule: KeepBest | KeepLogs | KeepRuns, now: Micros, *, dry_run: bool
) -> list[Applied]:
    chosen = await database.read(partial(_chosen, rule=rule, now=now), unlimited=True)
    together = (
        len(chosen) if dry_run else _RUNS_TOGETHER
    )  # what would go is said as a whole, and kept by nobody
    found: list[Applied] = []
    for start in range(0, len(chosen), max(1, together)):
        found += await _delete_some(
            database, name, rule, now, chosen[start : start + together], dry_run=dry_run
        )
    return found


async def _delete_some(
    database: Database,
    name: str,
    rule: KeepBest | KeepLogs | KeepRuns,
    now: Micros,
    chosen: list[str],
    *,
    dry_run: bool,
) -> list[Applied]:
    """In one transaction, for which everybody waits who writes."""
    asked = DeletionRequest(runs=tuple(chosen), part=_PART[type(rule)], dry_run=dry_run, user=f"rule {name}")
    view = await deleting.delete(database, asked, now)
    if view.id is None and not dry_run:
        return []  # they had no such files any more
    goes = view.size or view.id or isinstance(rule, KeepRuns)  # runs without files go, too
    return [Applied(name, view.what, view.size, view.id)] if goes else []


def _chosen(read: Read, rule: KeepBest | KeepLogs | KeepRuns, now: Micros) -> list[str]:
    """The runs from which the rule takes something."""
    text = f"ended < '{clocks.iso(now - int(rule.days * _DAY))}'"
    if rule.filter is not None:
        text = f"({rule.filter}) and {text}"
    if not isinstance(rule, KeepBest):
        found = deleting.matching(read, text, now, rule.experiment)
        return _may_go(read, found) if isinstance(rule, KeepRuns) else found
    ranked = f"{text} and not {rule.by.lstrip('+-')} is null"
    names = (
        [rule.experiment] if rule.experiment else [each.name for each in workspaces.list_experiments(read)]
    )
    return [
        run_id
        for name in names
        for run_id in deleting.matching(read, ranked, now, name, sort=rule.by)[rule.best :]
    ]


def _may_go(read: Read, chosen: list[str]) -> list[str]:
    """Without those that something keeps, or keeps a run below: they go with that, later."""
    kept: set[str] = set()
    family = deletions.with_descendants(read, chosen)
    pending = [subject for each in needs.kept(read, family) for subject in each.subjects]
    while pending:
        run = runs.get(read, pending.pop())
        if run is not None and run.id not in kept:
            kept.add(run.id)
            pending += [run.parent] if run.parent else []
    return [run_id for run_id in chosen if run_id not in kept]


async def _limit_environments(
    database: Database, name: str, rule: KeepEnvironments, now: Micros, *, dry_run: bool
) -> list[Applied]:
    waited_for = await database.read(needs.needed_environments)
    there = sorted(await BYTES.run(pruning.built, waited_for), key=lambda each: each.last_used)
    total = sum(each.bytes_used for each in there)
    over: list[str] = []
    for each in there:
        if total <= rule.size:
            break
        if not each.held_by and each.state == "ready":
            over.append(each.digest)
            total -= each.bytes_used
    if not over:
        return []
    asked = PruneRequest(digests=tuple(over), dry_run=dry_run)
    done = await BYTES.run(pruning.prune, asked, waited_for, now)
    count = len(done.removed)
    return [Applied(name, f"{count} environment{'s' * (count != 1)}", done.bytes_freed)]


async def _shorten_audit_log(
    database: Database, name: str, rule: KeepAudit, now: Micros, *, dry_run: bool
) -> list[Applied]:
    """What goes cannot be brought back; a row of the log, kept with it, tells how much it was."""
    before = now - int(rule.days * _DAY)

    def shorten(write: Write) -> int:
        if went := people.remove_entries(write, before, _ROWS_TOGETHER):
            told = f"/retention/{quote(name, safe='')}: {_rows(went)} of before {clocks.iso(before)}"
            people.add_entry(write, AuditEntry(0, now, "", "", "RULE", told, 200, ""))
        return went

    if dry_run:
        count = await database.read(lambda read: people.count_entries(read, before))
    else:
        count = went = await database.write(shorten)
        while went == _ROWS_TOGETHER:
            count += (went := await database.write(shorten))
    return [Applied(name, _rows(count), 0)] if count else []


def _rows(count: int) -> str:
    return f"{counted(count, 'row')} of the audit log"


async def put(database: Database, name: str, rule: AnyRule, now: Micros) -> RuleView:
    """Add a rule, or replace the one of that name. Raises UserErrorException."""
    if not 1 <= len(name) <= 255 or not name.isprintable():
        raise UserErrorException(
            f"{name[:80]!r} cannot be the name of a rule. Use 1 to 255 characters of text."
        )
    check(rule)
    goes: list[Applied] = []
    if not isinstance(rule, KeepEnvironments):  # a field that there is not is told now, not some night
        goes = await _apply(database, RuleView(name, rule, now), now, dry_run=True)
    await database.write(lambda write: store.put(write, name, rule, now))
    return RuleView(name, rule, now, goes[0] if goes else None)


async def remove(database: Database, name: str) -> None:
    """Raises NotFound."""
    if not await database.write(lambda write: store.remove(write, name)):
        raise NotFound(f"There is no rule {name[:80]!r}. `faena keep list` shows those that there are.")


def log_limit(read: Read) -> int | None:
    """Bytes of each log that are kept; None: all."""
    sizes = [view.rule.size for view in store.listed(read) if isinstance(view.rule, KeepOfLog)]
    return min(sizes, default=None)
