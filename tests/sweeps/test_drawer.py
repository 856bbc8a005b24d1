"""Places of sweeps that learn are filled once, with what the ledger and the number alone say."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from faena.db import Database
from faena.kernel.errors import UserErrorException
from faena.kernel.notifications import Notifications
from faena.runs.engine.scheduling import Placement
from faena.runs.model import EndReason
from faena.sweeps import changing, issuing, service, trial_changes
from faena.sweeps.drawer import Drawer
from faena.sweeps.learning.messages import Drawn, Exhausted, Task, Told
from faena.sweeps.learning.sampler import Changes, Sampler
from faena.sweeps.model import TrialState
from faena.sweeps.schemas import GivenTrials, Sampling, SweepChange
from tests.databases import Databases
from tests.sweeps.ground import SWEEP, Ground

pytest.importorskip("optuna")
SPACE = {"--x": ["uniform", [-5, 5]], "--n": ["choice", [[1, 2, 3, 4]]], "--lr": ["loguniform", [-5, 0]]}
BAYESIAN: dict[str, Any] = {
    "space": SPACE,
    "sampling": Sampling("bayesian", 7),
    "max_concurrent_runs": 1,
    "max_total_runs": 16,
}


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(Database(tmp_path / "faena.db"))


def value_of(parameters: dict[str, Any]) -> float:
    return float(parameters["--n"] / 10 - parameters["--lr"] - (parameters["--x"] - 1) ** 2)


def pass_startup(ground: Ground, logged: float = 0.5) -> int:
    """End the trials that no model draws; how many there were."""
    while ended := ground.open():
        ground.log(ended[0], [logged])
        ground.end(ended[0])
    return len([trial for trial in ground.trials() if trial.state == "ended"])


async def run(ground: Ground, tmp_path: Path, *, anew_each: int = 10**9, until: int = 10**9) -> None:
    """Let the trials run one after another; a new drawer and process after so many draws, as after a kill."""
    notifications = Notifications()
    drawn = 0
    while ground.status() == "Running" and drawn < until:
        sampler = Sampler(tmp_path / "sampler.log")
        drawer = Drawer(ground.database, notifications, ground.clock, sampler, Placement(ground.clock))
        try:
            for _ in range(anew_each):
                await drawer.step()
                drawn += 1
                for trial in ground.trials():
                    if trial.state == "open":
                        ground.log(str(trial.run_id), [value_of(trial.parameters)])
                        ground.end(str(trial.run_id))
                if ground.status() != "Running" or drawn >= until:
                    break
        finally:
            await sampler.close()


class Hears(Sampler):
    """Draws next to nothing, and keeps what it was told."""

    told: Sequence[Told] = ()

    def prepare(self, task: Task) -> None:
        """It has no process."""

    async def draw(self, task: Task, number: int, changes: Changes) -> Drawn:
        self.told, _ = await changes(0)
        return Drawn({"--x": number / 10, "--n": 0, "--lr": -1.0}, str(number).encode())


@pytest.mark.long
def test_a_new_process_for_each_draw_gives_the_trials_of_one_that_lasted(
    ground: Ground, tmp_path: Path
) -> None:
    ground.begin(**BAYESIAN)
    asyncio.run(run(ground, tmp_path))
    lasted = [trial.parameters for trial in ground.trials()]
    assert ground.status() == "Completed"
    assert len(lasted) == 16
    assert len({str(parameters) for parameters in lasted}) == 16
    other = Ground(Database(tmp_path / "other.db"))
    other.begin(**BAYESIAN)
    asyncio.run(run(other, tmp_path, anew_each=1))
    assert [trial.parameters for trial in other.trials()] == lasted


def test_a_place_is_free_until_it_is_taken_and_taken_once(ground: Ground, tmp_path: Path) -> None:
    ground.begin(**{**BAYESIAN, "max_concurrent_runs": 2})
    assert pass_startup(ground) == 11  # the last one was begun while the tenth ran
    assert [trial.state for trial in ground.trials()[11:]] == ["free", "free"]
    asyncio.run(run(ground, tmp_path, until=1))
    assert [trial.state for trial in ground.trials()[11:]] == ["ended", "ended", "free", "free"]
    point = ground.sweep().space.at({"--x": 0.0, "--n": 0, "--lr": -1.0})
    for _ in range(2):  # as two who drew for the same place
        ground.write(
            lambda write: issuing.take_place(write, ground.sweep(), 13, point, b"", ground.clock.now())
        )
    assert [trial.run_id for trial in ground.trials()[11:]] == ["HD_1_11", "HD_1_12", "HD_1_13", None]


def test_what_is_drawn_is_kept_and_heard_of_on_either_database(databases: Databases, tmp_path: Path) -> None:
    ground = Ground(databases.open(tmp_path / "either.db"))
    ground.begin(**{**BAYESIAN, "max_total_runs": 13})
    assert pass_startup(ground) == 10
    sampler = Hears(tmp_path / "sampler.log")

    async def story() -> None:
        drawer = Drawer(ground.database, Notifications(), ground.clock, sampler, Placement(ground.clock))
        for number in range(10, 13):
            await drawer.step()
            ground.log(f"HD_1_{number}", [0.5])
            ground.end(f"HD_1_{number}")

    asyncio.run(story())
    assert [(trial.run_id, trial.parameters["--x"]) for trial in ground.trials()[10:]] == [
        ("HD_1_10", 1.0),
        ("HD_1_11", 1.1),
        ("HD_1_12", 1.2),
    ]
    assert [(told.number, told.state, told.attributes) for told in sampler.told] == [
        *((number, "completed", b"") for number in range(10)),
        (10, "completed", b"10"),
        (11, "completed", b"11"),
    ]


def test_trials_by_hand_are_heard_of_before_they_run(ground: Ground, tmp_path: Path) -> None:
    """Nothing is drawn where they are going to be."""
    ground.begin(**BAYESIAN)
    pass_startup(ground)
    given = GivenTrials(({"--x": 0.5, "--n": 1, "--lr": 0.1},))
    ground.write(lambda write: service.give(write, SWEEP, given, ground.clock.now()))
    sampler = Hears(tmp_path / "sampler.log")

    async def story() -> None:
        drawer = Drawer(ground.database, Notifications(), ground.clock, sampler, Placement(ground.clock))
        await drawer.step()

    asyncio.run(story())
    assert [(told.number, told.state) for told in sampler.told[10:]] == [(11, "running")]


def test_a_small_space_is_tried_to_its_end(ground: Ground, tmp_path: Path) -> None:
    ground.begin(**{**BAYESIAN, "space": {**SPACE, "--x": ["choice", [[0, 1]]], "--lr": ["choice", [[0.1]]]}})
    asyncio.run(run(ground, tmp_path))
    assert (ground.status(), len(ground.trials())) == ("Completed", 8)
    assert ground.sweep().exhausted


def test_a_sweep_for_which_nothing_can_be_drawn_ends_and_says_so(ground: Ground, tmp_path: Path) -> None:
    ground.begin(**BAYESIAN)
    pass_startup(ground)

    async def story() -> None:
        sampler = Sampler(tmp_path / "sampler.log", command=("/bin/false",))
        await Drawer(ground.database, Notifications(), ground.clock, sampler, Placement(ground.clock)).step()
        await sampler.close()

    asyncio.run(story())
    assert ground.status() == "Failed"
    assert "ended with status 1, the last of 2 tries" in ground.sweep().told
    assert len(ground.trials()) == 10


@pytest.mark.long
def test_a_paused_sweep_draws_nothing_and_a_changed_space_counts_at_once(
    ground: Ground, tmp_path: Path
) -> None:
    ground.begin(**BAYESIAN)
    pass_startup(ground)

    def change(**changes: Any) -> None:
        asked = SweepChange(**changes)
        ground.write(lambda write: changing.change(write, SWEEP, asked, ground.clock.now()))

    asyncio.run(run(ground, tmp_path, until=3))
    change(paused=True)
    before = len(ground.trials())
    asyncio.run(run(ground, tmp_path, until=1))
    assert len(ground.trials()) == before
    change(paused=False, space={**SPACE, "--x": ["uniform", [0, 2]]})
    asyncio.run(run(ground, tmp_path))
    later = [trial.parameters["--x"] for trial in ground.trials()[before:]]
    assert later
    assert all(0 <= x <= 2 for x in later)


def test_a_sampler_hears_who_does_not_fulfil_the_conditions_on_metrics(
    ground: Ground, tmp_path: Path
) -> None:
    ground.begin(**{**BAYESIAN, "max_total_runs": 13, "metric_constraints": ("latency <= 10",)})
    pass_startup(ground)
    sampler = Hears(tmp_path / "sampler.log")

    async def story() -> None:
        drawer = Drawer(ground.database, Notifications(), ground.clock, sampler, Placement(ground.clock))
        for run_id, latency in (("HD_1_10", 30.0), ("HD_1_11", 5.0)):
            await drawer.step()
            ground.log(run_id, [0.5])
            ground.log(run_id, [latency], "latency")
            ground.end(run_id)
        await drawer.step()

    asyncio.run(story())
    assert [told.violations for told in sampler.told[10:]] == [
        {"metric_constraints": 1.0},
        {"metric_constraints": 0.0},
    ]


def test_failed_and_stopped_trials_are_told_as_such(ground: Ground, tmp_path: Path) -> None:
    ground.begin(**{**BAYESIAN, "max_total_runs": 3})
    ground.end("HD_1_0", EndReason.EXIT_CODE, "broken")
    ground.log("HD_1_1", [float("nan")])
    ground.end("HD_1_1")
    ground.end("HD_1_2", EndReason.CANCELED)
    told, latest = ground.read(lambda read: trial_changes.changed_since(read, SWEEP, 0))
    assert latest >= 6
    assert [trial.state for trial in told] == [TrialState.ENDED] * 3
    assert [trial.value for trial in told] == [None] * 3


class ChangesMeanwhile(Sampler):
    """Answers what it was asked for, while somebody changes the sweep during its first draw."""

    def __init__(self, ground: Ground, change: SweepChange, answers: list[Any]) -> None:
        super().__init__(Path("/nowhere"))
        self._ground, self._change, self._answers = ground, change, answers
        self.asked = 0

    def prepare(self, task: Task) -> None:
        """It has no process."""

    async def draw(self, task: Task, number: int, changes: Changes) -> Drawn | Exhausted:
        self.asked += 1
        if self.asked == 1:
            ground = self._ground
            await asyncio.to_thread(
                ground.write, lambda write: changing.change(write, SWEEP, self._change, ground.clock.now())
            )
        answer = self._answers[self.asked - 1]
        if isinstance(answer, Exception):
            raise answer
        found: Drawn | Exhausted = answer
        return found


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("change", "first"),
    [
        (SweepChange(constraints=("n > 2",)), Drawn({"--n": 0})),
        (SweepChange(space={"--n": ["choice", [[3, 4, 5, 6]]]}), Drawn({"--n": 0})),
        (SweepChange(space={"--n": ["choice", [[3, 4, 5, 6]]]}), Exhausted("The space is used up.")),
        (SweepChange(constraints=()), UserErrorException("The constraints leave nothing.")),
    ],
)
def test_what_is_drawn_while_the_space_is_changed_is_drawn_again(
    ground: Ground, change: SweepChange, first: object
) -> None:
    ground.begin(**{**BAYESIAN, "space": {"--n": ["choice", [[1, 2, 3, 4]]]}, "repeats": 10})
    assert pass_startup(ground) == 10

    async def step() -> int:
        sampler = ChangesMeanwhile(ground, change, [first, Drawn({"--n": 3})])
        await Drawer(ground.database, Notifications(), ground.clock, sampler, Placement(ground.clock)).step()
        return sampler.asked

    assert asyncio.run(step()) == 2
    *_, trial = ground.trials()
    assert (trial.number, trial.state) == (10, "open")
    assert trial.parameters == {"--n": 4 if change.space is None else 6}
    assert not ground.sweep().exhausted
