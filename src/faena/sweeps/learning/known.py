"""What the sampler's process knows of one sweep: its space, which places in it are taken, and what was learned."""

from __future__ import annotations

from collections import Counter

from faena.kernel.errors import UserErrorException
from faena.sweeps.learning import extras, tpe
from faena.sweeps.learning.messages import Task, Told
from faena.sweeps.learning.proposals import Model
from faena.sweeps.space import Space


class Known:
    """Raises UserErrorException where the task's space cannot be read, or its sampling is not for it.

    `space`: that of the task, where somebody has it already, perhaps with constraints that no task has.
    """

    def __init__(self, task: Task, space: Space | None = None) -> None:
        self.task = task
        self.space = space or Space.parse(task.space, task.constraints)
        extras.check(task.sampling, len(self.space.dimensions), len(task.objectives))
        self.model = _model(task, self.space)
        self.revision: int | None = 0
        """None: in the middle of a telling."""
        self._digests: dict[int, str] = {}
        self._taken: Counter[str] = Counter()

    def tell(self, told: Told) -> None:
        """What lies outside the space, as after the space was narrowed, is not learned from."""
        self._forget(told.number)
        try:
            point = self.space.at(told.coordinates)
        except UserErrorException:
            return
        self._digests[told.number] = point.digest
        self._taken[point.digest] += 1
        self.model.put(told, point)

    def __len__(self) -> int:
        return len(self._digests)

    def is_taken(self, digest: str, without: int) -> bool:
        own = self._digests.get(without) == digest
        return not self.task.allow_duplicates and self._taken[digest] > own

    def _forget(self, number: int) -> None:
        self.model.forget(number)
        if (digest := self._digests.pop(number, None)) is not None:
            self._taken[digest] -= 1
            if not self._taken[digest]:
                del self._taken[digest]


def _model(task: Task, space: Space) -> Model:
    is_tpe = task.sampling.kind == "bayesian" and task.sampling.model == "tpe"
    if is_tpe and len(task.objectives) == 1 and tpe.fits():
        return tpe.TableModel(task, space)
    from faena.sweeps.learning.models import (
        OptunaModel,
    )  # with Optuna, which takes as long to load as ten trials

    return OptunaModel(task, space)
