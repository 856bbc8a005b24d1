"""A sweep that goes on is changed: how many trials, at once or in all, its time, its space; paused and resumed."""

from __future__ import annotations

from typing import Any

import msgspec

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict, UserErrorException
from faena.kernel.plural import counted
from faena.runs import store as run_rows
from faena.runs import transitions
from faena.sweeps import beginnings, issuing, journal, ledger, store, trial_store, views
from faena.sweeps.checks import check_change
from faena.sweeps.model import Sweep, SweepState, TrialState
from faena.sweeps.schemas import SweepChange, SweepSpec
from faena.sweeps.space import Space

_MINUTE = 60_000_000
_NAMED = 5
_OF_SPEC = ("max_total_runs", "max_concurrent_runs", "max_duration_minutes", "space", "constraints")


def changed(read: Read, sweep_id: str, asked: SweepChange) -> SweepSpec:
    """What a sweep is to be. Raises Conflict for one that has ended, and what is wrong with the change."""
    sweep = views.get_unended(read, sweep_id, "changed")
    if not _given(asked) and asked.paused is None:
        raise UserErrorException(
            f"Nothing of sweep {sweep_id} is to be changed. Give at least one of {', '.join(_OF_SPEC)} and paused."
        )
    check_change(sweep, asked)
    return msgspec.structs.replace(sweep.spec, **_given(asked))


def _given(asked: SweepChange) -> dict[str, Any]:
    return {name: value for name in _OF_SPEC if (value := getattr(asked, name)) is not None}


def change(write: Write, sweep_id: str, asked: SweepChange, now: Micros) -> None:
    """As `changed`, of which a new space was checked since that takes long."""
    spec = changed(write, sweep_id, asked)
    _, sweep = views.get(write, sweep_id)
    given = _given(asked)
    changes: dict[str, object] = {"spec": spec}
    if asked.max_duration_minutes is not None:
        changes["deadline"] = now + int(asked.max_duration_minutes * _MINUTE)
    if asked.space is not None or asked.constraints is not None:
        _refuse_waiting_outside(write, sweep, spec)
        changes |= {"revision": sweep.revision + 1, "position": 0, "exhausted": False}
    told = list(given)
    if asked.paused is not None:
        state = SweepState.PAUSED if asked.paused else SweepState.RUNNING
        if state is not sweep.state:
            changes["state"] = state.value
            told.append("paused" if asked.paused else "resumed")
    if not told:  # it is as asked
        return
    beginnings.keep(write, sweep_id, sweep.spec)
    store.update(write, sweep_id, **changes)
    fresh = store.get(write, sweep_id) or sweep
    journal.told(write, fresh, f"The sweep was changed: {', '.join(told)}.", now)
    ledger.fill(write, fresh, now)
    run_rows.update(write, sweep_id, {})
    write.notify(transitions.topic(sweep_id))
    write.notify(issuing.SWEEPS)


def _refuse_waiting_outside(read: Read, sweep: Sweep, spec: SweepSpec) -> None:
    """Trials that were given by hand, or are to be tried again, are neither dropped nor tried outside of the space.

    Constraints do not matter to them, as they did not when they were given. Raises Conflict.
    """
    space = Space.parse(spec.space, spec.constraints)
    outside = []
    for trial in trial_store.in_state(read, sweep.run_id, TrialState.WAITING):
        try:
            space.require(trial.parameters)
        except UserErrorException as error:
            outside.append((trial.number, error.message))
    if outside:
        numbers = [str(number) for number, _ in outside]
        more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
        raise Conflict(
            f"{counted(len(outside), 'trial')} of sweep {sweep.run_id} that would come next "
            f"{'is' if len(outside) == 1 else 'are'} not in the new space: {', '.join(numbers[:_NAMED])}{more}. "
            f"Trial {numbers[0]}: {outside[0][1]} They were given by hand or go again. Change the space once they "
            "run (a paused sweep starts none), or leave what they have in it."
        )
