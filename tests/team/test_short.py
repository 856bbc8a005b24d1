"""Bad days of a team's server, the short form; `python -m tests.team` is the whole."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from faena.testing import s3
from faena.testing.kills import table
from faena.testing.kills.phases import Phase, Victim
from faena.testing.postgresql_pair import pair
from tests.faults.campaign import KillCampaign, Plan
from tests.faults.surroundings import Surroundings
from tests.team import days
from tests.team.failover import failed_over
from tests.team.ground import team
from tests.team.sites import opening

pytestmark = [pytest.mark.postgresql, pytest.mark.long]
KNOWN_S = 60.0
"""Seconds. Other tests have the cores, too."""


def test_nothing_is_lost_where_processes_and_the_database_are_killed(
    around: Surroundings, tmp_path: Path
) -> None:
    with team(tmp_path / "days") as made:
        show_clean(
            [
                days.endured(made, what, days.WEATHERS[what], 0.0, who)
                for who, what in enumerate(("both are killed", "PostgreSQL is killed"))
            ]
        )


@pytest.mark.parametrize("waits", [True, pytest.param(False, marks=pytest.mark.campaign)])
def test_a_replica_takes_the_place(around: Surroundings, tmp_path: Path, waits: bool) -> None:
    show_clean([failed_over(tmp_path / "days", waits=waits)])


def test_a_kill_loses_nothing(around: Surroundings, tmp_path: Path) -> None:
    seed = int(os.environ.get("FAULTS_SEED") or secrets.randbits(32))
    print(f"seed {seed}: FAULTS_SEED repeats it")
    cells = (Victim.SERVER, Phase.RUNNING), (Victim.RUNNER, Phase.FINALIZING)
    with pair() as servers, s3.running(tmp_path / "s3") as bucket:
        folder, opened = tmp_path / "kills", opening(servers, bucket)
        plan = Plan(1, 1, seed, folder, around.links, KNOWN_S, cells, opened)
        rows = KillCampaign(plan, print).run()
    shown = table.render(rows)
    print(shown)
    assert all(row.is_clean for row in rows), f"\n{shown}"


def show_clean(rows: list[days.Row]) -> None:
    shown = days.render(rows)
    print(shown)
    assert not any(row.wrong for row in rows), f"\n{shown}"
