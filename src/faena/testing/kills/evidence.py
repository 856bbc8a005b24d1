"""What a run holds in the end, against what its script confirmed."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from faena.client.models.model import Model
from faena.client.runs.run import Run
from faena.runs.schemas import RunView
from faena.testing.kills import processes
from faena.testing.kills.ground import Case
from faena.testing.kills.phases import Phase
from faena.testing.kills.records import NOTHING, Confirmed, Count, compare

KNOWN_WITHIN = 5.0
"""Seconds from a kill to the state in the API."""
PATIENCE = 60.0
_DRIVER_LOG = "azureml-logs/70_driver_log.txt"


@dataclass(slots=True)
class Result:
    """What one trial found. `phase` None: the victim was not hit, or hit after the run had ended."""

    victim: str
    phase: Phase | None
    points: Count = NOTHING
    lines: Count = NOTHING
    wrong: list[str] = field(default_factory=list)
    known: float | None = None
    """Seconds from the kill to what the API says of it; None where it need say nothing."""
    left: int = 0


def check_run(run: Run, view: RunView, case: Case, result: Result) -> None:
    """Compare what the run holds with what its script confirmed; into `result`."""
    confirmed = case.confirmed()
    result.left += len(processes.of_run(run.id))
    if len(confirmed.began) > 1:
        result.wrong.append(f"{case.name}: the script was started {len(confirmed.began)} times")
    result.points = compare(confirmed.points, points_of(run))
    result.lines = compare(confirmed.lines, lines_of(run, case))
    if confirmed.model is not None:
        result.wrong += [f"{case.name}: {text}" for text in _models(run, view, case, confirmed)]
    elif view.status == "Completed":
        result.wrong.append(f"{case.name}: completed, and its script never came to its end")


def points_of(run: Run) -> list[int]:
    found = run.get_metrics("n").get("n", [])
    return [int(value) for value in (found if isinstance(found, list) else [found])]


def lines_of(run: Run, case: Case) -> list[int]:
    """The numbers in the driver log. A line without its full stop was torn."""
    if _DRIVER_LOG not in run.get_file_names():
        return []
    target = case.folder / "driver.log"
    run.download_file(_DRIVER_LOG, target)
    return shown(target)


def shown(path: Path) -> list[int]:
    """The numbers of the whole lines in a file."""
    return [int(line) for line in re.findall(r"^(\d+)\.$", path.read_text(), re.MULTILINE)]


def _models(run: Run, view: RunView, case: Case, confirmed: Confirmed) -> list[str]:
    """What is not whole about the run's model file and the models made of it."""
    models = Model.list(run.experiment.workspace, run_id=run.id)
    wrong: list[str] = []
    if confirmed.registered is not None and not any(
        model.version == confirmed.registered for model in models
    ):
        wrong.append("a registered model is gone")
    if view.status == "Completed":
        models.append(run.register_model(f"after-{case.name}", "outputs/model.bin"))
    elif "outputs/model.bin" not in run.get_file_names():
        wrong.append("outputs/model.bin is gone")
    else:
        target = case.folder / "kept.bin"
        run.download_file("outputs/model.bin", target)
        wrong += _torn("outputs/model.bin", target.read_bytes(), confirmed)
    for model in models:
        folder = case.folder / f"model-{model.name}"
        path = model.download(folder, exist_ok=True)
        wrong += _torn(model.id, Path(path).read_bytes(), confirmed)
    return wrong


def _torn(name: str, data: bytes, confirmed: Confirmed) -> list[str]:
    whole = hashlib.sha256(data).hexdigest() == confirmed.model
    return [] if whole else [f"{name} is not whole ({len(data)} bytes)"]


def after(seconds: float) -> Callable[[], bool]:
    """True once `seconds` have passed: a moment chosen by chance is not a condition that could be looked at."""
    due = time.monotonic() + seconds
    return lambda: time.monotonic() >= due
