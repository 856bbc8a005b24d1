"""What those use whose runs wait, and what their quotas leave them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from faena.compute.shares import Allowance, Line, Owner, OwnerKind, Shares, owners
from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.errors import ExperimentExecutionException
from faena.runs import node_hours, quota_store
from faena.runs.months import following, month_of, shown
from faena.runs.quota_store import EVERYBODY, Quota

HOUR = 3_600_000_000


def shares_of(read: Read, users: Collection[str], now: Micros) -> Shares:
    """Of a workspace where one person works and nobody has a quota: nothing, since it would make no difference."""
    quotas = quota_store.all_quotas(read)
    if len(users) < 2 and not quotas:
        return Shares()
    used = quota_store.nodes_in_use(read)
    served = quota_store.served(read, users) if len(users) > 1 else {}
    month = month_of(now)
    hours = Counter[Owner]()
    if any(quota.node_hours is not None for quota in quotas.values()):
        hours = by_owner(node_hours.used_in(read, month, now))
    allowances = _allowances(quotas, hours, month)
    return Shares(used, allowances, served, _allowance(quotas.get(EVERYBODY), 0, month))


def refuse_too_wide(read: Read, line: Line, node_count: int) -> None:
    """Raises ExperimentExecutionException for a run that its quotas would never let begin."""
    quotas = quota_store.all_quotas(read)
    if not quotas:
        return
    for owner in owners(line):
        quota = of_person(quotas, owner.name) if owner.kind is OwnerKind.PERSON else quotas.get(owner)
        if quota is not None and quota.nodes is not None and node_count > quota.nodes:
            raise ExperimentExecutionException(
                f"node_count is {node_count}; {quota.owner.words} is {quota.nodes} at once. Ask for fewer nodes, or an "
                "owner of the workspace for more: `faena quota list` shows all quotas."
            )


def by_owner(used: Mapping[Line, int]) -> Counter[Owner]:
    found = Counter[Owner]()
    for line, amount in used.items():
        for owner in owners(line):
            found[owner] += amount
    return found


def _allowances(
    quotas: Mapping[Owner, Quota], used: Mapping[Owner, Micros], month: int
) -> dict[Owner, Allowance]:
    """Of all who have a quota of their own, and of persons who have used nodes in the month."""
    found: dict[Owner, Allowance] = {}
    for owner in {*quotas, *used} - {EVERYBODY}:
        quota = of_person(quotas, owner.name) if owner.kind is OwnerKind.PERSON else quotas.get(owner)
        if (allowance := _allowance(quota, used.get(owner, 0), month)) is not None:
            found[owner] = allowance
    return found


def _allowance(quota: Quota | None, used: Micros, month: int) -> Allowance | None:
    if quota is None or (quota.nodes is None and quota.node_hours is None):
        return None
    hours = used / HOUR
    if quota.node_hours is None or hours < quota.node_hours:
        return Allowance(quota.nodes)
    whose = quota.owner.words
    again = f"{shown(following(month))}-01 00:00 UTC"
    had = f"{hours:,.1f} of {quota.node_hours:,g} node-hours of {shown(month)} are used"
    return Allowance(quota.nodes, f"{whose}: {had}; the next month begins {again}")


def of_person(quotas: Mapping[Owner, Quota], user: str) -> Quota:
    """What somebody may use: of what their own quota does not say that of everybody counts."""
    owner = Owner(OwnerKind.PERSON, user)
    own, general = quotas.get(owner, Quota(owner)), quotas.get(EVERYBODY, Quota(owner))
    return Quota(
        owner,
        general.nodes if own.nodes is None else own.nodes,
        general.node_hours if own.node_hours is None else own.node_hours,
        general.bytes if own.bytes is None else own.bytes,
    )
