"""The kill campaign's short form; `make faults` is the whole. What is `long` here is tried in parts by other tests."""

from __future__ import annotations

import os
import random
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.testing.kills import processes
from faena.testing.kills.phases import Phase, Victim, makes_sense
from faena.testing.kills.table import Row, render
from faena.testing.waiting import until
from tests.examples import long_form
from tests.faults import absence, endpoint_table, endpoints, full_disk, many, sweeps
from tests.faults.campaign import KillCampaign, Plan
from tests.faults.surroundings import Surroundings

KILLS = 1
KNOWN_WITHIN = 20.0
"""Seconds. Other tests have the cores, too: the budget of 5 s is held against `make faults`."""


@pytest.fixture
def around(
    surroundings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interpreters_asked: Path
) -> Iterator[Surroundings]:
    """A state folder and packages of this test's own; afterwards nobody may be left."""
    made = Surroundings(tmp_path, runtime=surroundings)
    shutil.copy(interpreters_asked, made.home)
    for name, value in made.variables().items():
        monkeypatch.setenv(name, value)
    yield made
    until(lambda: not processes.of_runtime(surroundings), "all processes have left")


@pytest.mark.parametrize("count", [1, long_form(2)])
@pytest.mark.parametrize("victim", [each if each is Victim.SERVER else long_form(each) for each in Victim])
def test_a_kill_in_any_phase_loses_nothing(
    victim: Victim, count: int, around: Surroundings, tmp_path: Path
) -> None:
    """`count`: of phases, by chance; `make faults` has all."""
    seed = int(os.environ.get("FAULTS_SEED") or secrets.randbits(32))
    print(f"seed {seed}: FAULTS_SEED repeats it")
    phases = [phase for phase in Phase if makes_sense(victim, phase)]
    if count == 1 and victim is Victim.RUNNER:  # a busy machine finds one once it has begun its run
        phases.remove(Phase.QUEUED)
    cells = tuple((victim, phase) for phase in random.Random(seed).sample(phases, min(count, len(phases))))
    plan = Plan(KILLS, 1, seed, tmp_path / "kills", around.links, known_within=KNOWN_WITHIN, cells=cells)
    show_clean([row for row in KillCampaign(plan, print).run() if row.victim == victim])


@pytest.mark.long
def test_a_server_that_stays_away_loses_nothing(around: Surroundings, tmp_path: Path) -> None:
    row = absence.away(tmp_path / "away", around.links, 1.5, 4, print, known_within=KNOWN_WITHIN)
    show_clean([row])


@pytest.mark.long
def test_a_disk_that_fills_loses_nothing_that_was_acknowledged(around: Surroundings, tmp_path: Path) -> None:
    row = full_disk.fill(tmp_path / "disk", around.links, print)
    if row.not_applicable:
        pytest.skip(row.not_applicable)
    show_clean([row])


@pytest.mark.long
def test_many_runs_come_to_their_end_once_each(around: Surroundings, tmp_path: Path) -> None:
    show_clean([many.to_their_end(tmp_path / "many", around.links, 12, print)])


def show_clean(rows: list[Row]) -> None:
    table = render(rows)
    print(table)
    assert all(row.is_clean for row in rows), f"\n{table}"


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "warm"), [pytest.param("pbt", False, marks=pytest.mark.long), ("random", True)]
)
def test_a_sweep_in_whose_middle_somebody_is_killed_finishes(
    kind: str, warm: bool, around: Surroundings, tmp_path: Path
) -> None:
    seed = int(os.environ.get("FAULTS_SEED") or secrets.randbits(32))
    print(f"seed {seed}: FAULTS_SEED repeats it")
    show_clean(sweeps.killed(tmp_path / "sweeps", around.links, 3, seed, print, ((kind, warm),), trials=8))


@pytest.mark.long
def test_an_endpoint_to_which_everything_happens_loses_nothing(around: Surroundings, tmp_path: Path) -> None:
    seed = int(os.environ.get("FAULTS_SEED") or secrets.randbits(32))
    print(f"seed {seed}: FAULTS_SEED repeats it")
    plan = endpoint_table.Plan(*(2, 3, 0, 1, 1, 2, 1), requests=0, clients=6, pause=0.03, front_rest=0.0)
    rows = endpoints.endured(tmp_path / "endpoints", plan, seed, print)
    assert all(row.is_clean for row in rows), f"\n{endpoint_table.render(rows)}"
