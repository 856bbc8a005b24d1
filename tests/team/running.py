"""Runs one after the other, submitted from elsewhere: each numbers its points and lines until it is told to end."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from faena import Cluster, Estimator, Experiment
from faena.client.runs.run import Run
from faena.testing.kills import ground, numbered
from faena.testing.kills.evidence import Result, check_run
from faena.testing.kills.ground import Case
from faena.testing.waiting import until
from tests.team.ground import Team
from tests.team.work import Worker

_FULL = re.compile(r"\b(is full|No space left)\b")
"""What a run may end of that needs a disk."""
_POINTS = 100
_PATIENCE_S = 300.0


class Runs(Worker):
    """The one that goes on when the others stop is ended, and looked at as all are."""

    kind = "runs"

    def __init__(self, team: Team, who: int) -> None:
        super().__init__(team, who)
        self._workspace = team.connect()
        self._source = team.folder / f"source-{who}"
        self._source.mkdir()
        (self._source / "train.py").write_text(Path(numbered.__file__).read_text())
        self._cluster = Cluster.get_or_create(self._workspace, "cpu", max_nodes=1)
        self._runs: list[tuple[Case, Run]] = []

    def step(self, number: int) -> None:
        case = Case(f"case-{self.who}-{number}", self.team.folder / "cases" / f"{self.who}-{number}")
        case.folder.mkdir(parents=True)
        variables = {
            "KILLS_CONFIRM": case.confirm,
            "KILLS_RELEASE": case.release,
            "KILLS_MODEL_BYTES": ground.MODEL_BYTES,
        }
        estimator = Estimator(
            str(self._source),
            entry_script="train.py",
            compute_target=self._cluster,
            interpreter=sys.executable,
            environment_variables={name: str(value) for name, value in variables.items()},
        )
        try:
            run = Experiment(self._workspace, f"runs-{self.who}").submit(estimator)
            self._runs.append((case, run))
            until(
                lambda: len(case.confirmed().points) > _POINTS or run.refresh().ended_at is not None,
                f"{case.name} logs",
                seconds=_PATIENCE_S,
            )
        finally:
            case.release.touch()  # also where it is told of an error: the next run needs its node
        run.wait_for_completion(raise_on_error=False)

    def finish(self) -> None:
        for case, _ in self._runs:
            case.release.touch()

    def found(self) -> list[str]:
        wrong: list[str] = []
        for case, run in self._runs:
            until(lambda: run.refresh().ended_at is not None, f"{case.name} ends", seconds=_PATIENCE_S)  # noqa: B023  at once
            view = run.refresh()
            if view.status != "Completed":
                said = f"{case.name} ends as {view.status}: {view.error and view.error.message}"
                if not _FULL.search(said):
                    wrong.append(said)
                    continue
                self.told.append(said)
            result = Result("nobody", None)
            check_run(run, view, case, result)
            both = result.points + result.lines
            if both.lost or both.doubled or both.invented or result.left:
                wrong.append(f"{case.name}: {both}, {result.left} left")
            wrong += result.wrong
        there = {row.id for row in self._workspace.api.listed(experiment=f"runs-{self.who}")}
        if extra := there - {run.id for _, run in self._runs}:
            wrong.append(f"{len(extra)} runs are there that nobody was told of")
        return wrong
