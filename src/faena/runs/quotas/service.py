"""Use cases of quotas: owners set them, everybody sees them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec.structs import replace

from faena.compute.shares import Owner, OwnerKind
from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound, UserErrorException
from faena.people import store as people
from faena.people.model import check_name
from faena.runs import kept_bytes, node_hours, quota_store, transitions
from faena.runs.months import month_of, shown
from faena.runs.quota_store import EVERYBODY, Quota
from faena.runs.quotas.schemas import Amounts, QuotaChange, QuotaView
from faena.runs.shares import HOUR, by_owner, of_person
from faena.workspaces import service as experiments

LIMITS = ("nodes", "node_hours", "bytes")
_MOST = {"nodes": 1_000_000.0, "node_hours": 1e9, "bytes": 1e18}
_WHOLE = ("nodes", "bytes")
_MOST_QUOTAS = 1000


def change(write: Write, wanted: QuotaChange, now: Micros) -> QuotaView:
    """Raises UserErrorException for what no quota can be, NotFound for an owner who is not there."""
    owner = _owner(write, wanted)
    quotas = quota_store.all_quotas(write)
    before = quotas.get(owner, Quota(owner))
    for name in (*wanted.set, *wanted.lift):
        if name not in LIMITS:
            raise UserErrorException(f"No quota limits {name[:80]!a}. Use {', '.join(LIMITS)}.")
    changes: dict[str, float | None] = {name: _checked(name, value) for name, value in wanted.set.items()}
    changes |= dict.fromkeys(wanted.lift)
    quota = replace(before, **changes)
    if quota == Quota(owner):
        quota_store.remove(write, owner)
    else:
        if owner not in quotas and len(quotas) >= _MOST_QUOTAS:
            raise UserErrorException(f"There are {_MOST_QUOTAS:,} quotas. Lift one before another is set.")
        quota_store.put(write, quota, now)
    write.notify(transitions.ENGINE_SOON)  # somebody may get nodes now
    write.notify(transitions.MOVED)
    return next(view for view in listed(write, now, always=owner) if (view.kind, view.name) == owner)


def _owner(read: Read, wanted: QuotaChange) -> Owner:
    given = [bool(wanted.person), bool(wanted.experiment), wanted.everybody]
    if sum(given) != 1:
        raise UserErrorException("Say whose quota it is: of one person, of one experiment, or of everybody.")
    if wanted.everybody:
        return EVERYBODY
    if wanted.experiment:
        return Owner(OwnerKind.EXPERIMENT, experiments.get(read, wanted.experiment).name)
    owner = Owner(OwnerKind.PERSON, check_name(wanted.person))
    if people.role_of(read, owner.name) is None and people.owners(read):
        raise NotFound(f"There is no person {owner.name!r} here. `faena people` lists those that there are.")
    return owner


def _checked(name: str, value: float) -> float:
    if not (math.isfinite(value) and 0 <= value <= _MOST[name]):
        raise UserErrorException(f"{name} is {value:g}. Use a number from 0 to {_MOST[name]:,.0f}.")
    if name in _WHOLE and value != int(value):
        raise UserErrorException(f"{name} is {value:g}. Use a whole number.")
    return int(value) if name in _WHOLE else value


def listed(read: Read, now: Micros, *, always: Owner | None = None) -> list[QuotaView]:
    """Everybody's first, then persons, then experiments: who has a quota, and persons who use something.

    `always`: who is among them in any case.
    """
    quotas = quota_store.all_quotas(read)
    month = month_of(now)
    nodes = by_owner(quota_store.nodes_in_use(read))
    hours = by_owner(node_hours.used_in(read, month, now))
    owners = {*quotas, *({always} if always else ())}
    owners |= {owner for owner in (*nodes, *hours) if owner.kind is OwnerKind.PERSON}
    ordered = sorted(
        owners, key=lambda owner: (owner != EVERYBODY, owner.kind is not OwnerKind.PERSON, owner.name)
    )
    return [_view(read, owner, quotas, month, nodes, hours) for owner in ordered]


def _view(
    read: Read,
    owner: Owner,
    quotas: Mapping[Owner, Quota],
    month: int,
    nodes: Mapping[Owner, int],
    hours: Mapping[Owner, Micros],
) -> QuotaView:
    own = quotas.get(owner, Quota(owner))
    applies = of_person(quotas, owner.name) if owner.kind is OwnerKind.PERSON else own
    kept = None if applies.bytes is None or owner == EVERYBODY else kept_bytes.of(read, owner)
    used = Amounts(nodes.get(owner, 0), round(hours.get(owner, 0) / HOUR, 3), kept)
    if owner == EVERYBODY:
        used = Amounts()
    return QuotaView(owner.kind.value, owner.name, _amounts(own), _amounts(applies), used, shown(month))


def _amounts(quota: Quota) -> Amounts:
    return Amounts(quota.nodes, quota.node_hours, quota.bytes)
