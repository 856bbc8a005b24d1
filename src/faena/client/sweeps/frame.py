"""The trials of a sweep as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from faena.client.sweeps.axes import names_of, parameters_of
from faena.kernel.errors import UserErrorException
from faena.sweeps.schemas import SweepSpec, TrialView


def frame(spec: SweepSpec, trials: Iterable[TrialView]) -> Any:
    """A pandas data frame with a row a trial; see `HyperDriveRun.trials_frame`. Raises UserErrorException."""
    try:
        import pandas
    except ImportError:
        raise UserErrorException(
            "A data frame needs pandas, which is not installed. `pip install 'faena[frames]'`."
        ) from None
    named, flags = names_of(spec)
    found = list(trials)
    columns: dict[str, list[Any]] = {
        "number": [trial.number for trial in found],
        "run_id": [trial.run_id for trial in found],
        "status": [trial.status for trial in found],
    }
    values = [parameters_of(trial, flags) for trial in found]
    names = dict.fromkeys(named)
    for each in values:  # of a space that was changed meanwhile
        names |= dict.fromkeys(each)
    for name in names:
        columns[f"parameters.{name}"] = [each.get(name) for each in values]
    for place, objective in enumerate(spec.objectives):
        measured = [trial.metrics[place] if trial.metrics else None for trial in found]
        columns[f"metrics.{objective.name}"] = [float("nan") if each is None else each for each in measured]
    columns["stopped"] = [trial.stopped for trial in found]
    columns["tries"] = [trial.tries for trial in found]
    columns["source"] = [trial.source for trial in found]
    return pandas.DataFrame(columns)
