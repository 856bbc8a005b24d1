"""The tables of a sweep answer a policy as the values themselves do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from faena.db import Write
from faena.sweeps import trial_store
from faena.sweeps.issuing import new_trial
from faena.sweeps.model import Sweep, TrialState
from faena.sweeps.policies import Decision
from faena.sweeps.progress import Reached, Row
from faena.sweeps.replaying import Event, Restarted
from faena.sweeps.schemas import Goal, Objective, Policy
from faena.sweeps.standing import Standing
from tests.databases import Databases
from tests.examples import examples
from tests.sweeps.ground import Ground
from tests.sweeps.histories import events_of_sweeps, events_with_steps, goals, policies, step_policies
from tests.sweeps.standings_contract import check

STOPPED = Decision("bandit", 1, None, None, None, "stopped")
_sweeps = count()


class InTables(Standing):
    """With trials that are there once something is heard of them.

    What was logged last is not kept in a table, nor is it in SQLite's whether a zero was a negative one.
    """

    def __init__(self, write: Write, sweep: Sweep) -> None:
        super().__init__(write, sweep)
        self._put: dict[int, Reached] = {}

    def reached(self, number: int) -> Reached:
        return self._with_value(number, super().reached(number))

    def running_from(self, interval: int) -> Sequence[tuple[int, Reached]]:
        found = super().running_from(max(1, interval))
        return [(number, self._with_value(number, reached)) for number, reached in found]

    def _with_value(self, number: int, reached: Reached) -> Reached:
        put = self._put.get(number, reached)
        return put if replace(put, value=None) == reached else reached

    def put(self, number: int, reached: Reached, row: Row | None) -> None:
        self._open(number)
        self._put[number] = reached
        super().put(number, reached, row)

    def stop(self, number: int) -> None:
        super().stop(number)
        self._change(number, decision=STOPPED)

    def end(self, number: int) -> None:
        self._open(number)
        super().end(number)
        self._change(number, state=TrialState.ENDED.value)

    def restart(self, number: int, attempt: int = 0) -> None:
        raise NotImplementedError("what an attempt had set is withdrawn otherwise: see Standing.restart")

    def _open(self, number: int) -> None:
        if number not in self._put:
            self._put[number] = Reached()
            opened = new_trial(self._sweep, None, number=number, state=TrialState.OPEN)
            trial_store.add_trials(self._write, [opened], [""])

    def _change(self, number: int, **changes: Any) -> None:
        trial_store.update_trial(self._write, self._sweep.run_id, number, **changes)


@pytest.fixture(scope="module")
def ground(lasting_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(lasting_databases.open(tmp_path_factory.mktemp("standing") / "faena.db"))


@settings(max_examples=examples(10))
@given(policies, goals, events_of_sweeps)
def test_tables_answer_as_the_values_do(
    ground: Ground, policy: Policy, goal: Goal, events: list[Event]
) -> None:
    compare_with_values(ground, policy, goal, events)


@pytest.mark.long
@settings(max_examples=examples(10))
@given(step_policies, goals, events_with_steps)
def test_tables_answer_by_steps_as_the_values_do(
    ground: Ground, policy: Policy, goal: Goal, events: list[Event]
) -> None:
    compare_with_values(ground, policy, goal, events)


def compare_with_values(ground: Ground, policy: Policy, goal: Goal, events: list[Event]) -> None:
    sweep_id = ground.begin(f"HD_{next(_sweeps)}", policy=policy, objectives=(Objective("Accuracy", goal),))
    sweep = ground.sweep(sweep_id)
    without_restarts = [event for event in events if not isinstance(event, Restarted)]

    def compare(write: Write) -> None:
        write.execute(trial_store.trials.delete().where(trial_store.trials.c.sweep == sweep_id))
        check(lambda *_: InTables(write, sweep), policy, goal, without_restarts)

    ground.write(compare)
