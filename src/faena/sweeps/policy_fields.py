"""What a stopping policy must and must not be given."""

from __future__ import annotations

import math
from typing import Any, get_type_hints

from faena.kernel.errors import UserErrorException
from faena.sweeps import rungs
from faena.sweeps.schemas import Policy

_KINDS: tuple[str, ...] = get_type_hints(Policy)["kind"].__args__
_INTERVALS: tuple[str, ...] = get_type_hints(Policy)["interval"].__args__
_BY_INTERVAL = ("evaluation_interval", "delay_evaluation")
_BY_RUNG = ("reduction_factor", "min_interval", "max_interval")
FIELDS: dict[str, tuple[str, ...]] = {
    "none": _BY_INTERVAL,
    "bandit": (*_BY_INTERVAL, "slack_factor", "slack_amount"),
    "median": _BY_INTERVAL,
    "truncation": (*_BY_INTERVAL, "truncation_percentage", "exclude_finished"),
    "asha": _BY_RUNG,
    "hyperband": _BY_RUNG,
}
_MOST = 1_000_000_000


def check(policy: Policy) -> None:
    """Raise UserErrorException for a policy that could not be followed."""
    if policy.kind not in _KINDS:
        raise UserErrorException(
            f"no stopping policy is named {policy.kind!r}: there are {', '.join(_KINDS)}"
        )
    _whole(policy, "evaluation_interval", 1)
    _whole(policy, "delay_evaluation", 0)
    _whole(policy, "reduction_factor", 2)
    _whole(policy, "min_interval", 1)
    for name in ("exclude_finished", "stop_on_nan"):
        if not isinstance(getattr(policy, name), bool):
            raise UserErrorException(f"{name} of a policy is True or False, not {getattr(policy, name)!r}")
    if policy.interval not in _INTERVALS:
        raise UserErrorException(f"interval of a policy is 'value' or 'step', not {policy.interval!r}")
    _refuse_what_is_anothers(policy)
    if policy.kind == "bandit":
        _check_slack(policy)
    if policy.kind == "truncation":
        if policy.truncation_percentage is None:
            raise UserErrorException("the policy truncation needs truncation_percentage, 1 to 99")
        _whole(policy, "truncation_percentage", 1, 99)
    if policy.kind in ("asha", "hyperband"):
        _check_rungs(policy)


def _whole(policy: Policy, name: str, least: int, most: int = _MOST) -> None:
    value: Any = getattr(policy, name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise UserErrorException(
            f"{name} of a policy is a whole number from {least:,} to {most:,}, not {value!r}"
        )


def _refuse_what_is_anothers(policy: Policy) -> None:
    """A field that the policy does not look at was meant for something."""
    allowed = {"kind", "stop_on_nan", "interval", *FIELDS[policy.kind]}
    plain = Policy()
    for name in policy.__struct_fields__:
        if name in allowed or getattr(policy, name) == getattr(plain, name):
            continue
        if name in _BY_INTERVAL:
            raise UserErrorException(
                f"{name} does not go with the policy {policy.kind}, which looks at min_interval * reduction_factor^k:"
                " set min_interval"
            )
        owners = " and ".join(kind for kind, fields in FIELDS.items() if name in fields)
        raise UserErrorException(f"{name} is of {owners}, and the policy is {policy.kind}: leave it out")


def _check_slack(policy: Policy) -> None:
    given = {
        name: value
        for name in ("slack_factor", "slack_amount")
        if (value := getattr(policy, name)) is not None
    }
    if len(given) != 1:
        what = "both were given" if given else "none was given"
        raise UserErrorException(f"the policy bandit needs slack_factor or slack_amount, exactly one: {what}")
    ((name, value),) = given.items()
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < math.inf:
        raise UserErrorException(f"{name} of the policy bandit is a finite number from 0 on, not {value!r}")


def _check_rungs(policy: Policy) -> None:
    if policy.max_interval is None:
        if policy.kind == "hyperband":
            raise UserErrorException(
                "the policy hyperband needs max_interval: how many values of the metric a trial logs that runs through"
            )
        return
    _whole(policy, "max_interval", 1)
    if rungs.rung(policy, policy.min_interval) is None:
        raise UserErrorException(
            f"max_interval {policy.max_interval} leaves the policy {policy.kind} no interval to look at: it must be"
            f" more than min_interval, {policy.min_interval}"
        )
