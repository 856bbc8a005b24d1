"""Event files of runs, copied to a folder and kept up to date while the runs go on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from faena.client.runs.run import Run
from faena.kernel.errors import NotFound, UserErrorException

_MARK = ".tfevents."
_SWEEP = "hyperdrive"


class Copies:
    """Each run has a folder of its id. What grows is appended to: TensorBoard reads on in files that it has open."""

    def __init__(self, runs: Iterable[Any], root: Path) -> None:
        """`runs`: of a sweep, its trials. Raises UserErrorException where one is no run."""
        self._open = [_checked(run) for run in runs]
        self._done: set[str] = set()
        self._root = root

    def update(self) -> bool:
        """Bring what is new; whether anything may still come."""
        going_on = []
        for run in self._open:
            view = run.experiment.workspace.api.run(run.id)
            is_over = view.ended_at is not None  # asked first: what is there then is all
            members = run.get_children(recursive=True) if run.type == _SWEEP else [run]
            for member in members:
                self._bring(member)
            if not is_over:
                going_on.append(run)
        self._open = going_on
        return bool(going_on)

    def _bring(self, run: Any) -> None:
        if run.id in self._done:
            return
        api = run.experiment.workspace.api
        is_over = api.run(run.id).ended_at is not None
        for file in api.files(run.id):
            if _MARK in file.name.rpartition("/")[2]:
                self._append(run, file.name, file.size)
        if is_over:
            self._done.add(run.id)

    def _append(self, run: Any, name: str, size: int) -> None:
        target = self._root / run.id / name
        there = target.stat().st_size if target.exists() else 0
        if size <= there:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with run.experiment.workspace.api.open_file(run.id, name) as parts, target.open("ab") as file:
                to_skip = there
                for part in parts:
                    file.write(part[to_skip:])
                    to_skip = max(0, to_skip - len(part))
        except NotFound:
            return  # it went between the list and the question
        os.utime(target)  # what was appended is seen though the clock stood still


def _checked(run: Any) -> Any:
    if not isinstance(run, Run):
        raise UserErrorException(f"{str(run)[:80]!r} is no run. Give handles of runs: Experiment.get_runs().")
    return run
