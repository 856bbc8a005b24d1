"""Chainer's Trainer: `trainer.extend(FaenaReport())`."""

from __future__ import annotations

from chainer import reporter
from chainer.training import Extension, extension, trigger

from faena.script.extensions.numbers import log_numbers, run_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable


class FaenaReport(Extension):  # type: ignore[misc]  # Chainer has no types
    """Logs the means of what was observed since it last did, as LogReport writes them, and the epoch.

    The step of each point is the iteration. Several processes that train one model (ChainerMN) each log what
    they are given: extend the Trainer of one of them.
    """

    priority = extension.PRIORITY_READER
    trigger = (1, "iteration")
    default_name = "FaenaReport"

    def __init__(
        self, run: Any = None, keys: Iterable[str] | None = None, trigger: Any = (1, "epoch")
    ) -> None:
        """`run`: default, the run of this process. `keys`: of what is observed, these only. `trigger`: when it logs."""
        self._run = run
        self._keys = None if keys is None else list(keys)
        self._due = _trigger_of(trigger)
        self._seen = reporter.DictSummary()

    def __call__(self, trainer: Any) -> None:
        observed = trainer.observation
        if self._keys is not None:
            observed = {key: observed[key] for key in self._keys if key in observed}
        self._seen.add(observed)
        if self._due(trainer):
            means = {**self._seen.compute_mean(), "epoch": trainer.updater.epoch}
            self._seen = reporter.DictSummary()
            log_numbers(run_of(self._run), means, trainer.updater.iteration)

    def serialize(self, serializer: Any) -> None:
        """What has been observed and not been logged goes on from a snapshot, as LogReport's does."""
        if hasattr(self._due, "serialize"):
            self._due.serialize(serializer["_trigger"])
        self._seen.serialize(serializer["_summary"])


def _trigger_of(given: Any) -> Any:
    return trigger.get_trigger(given)
