"""Lightning: `Trainer(logger=LightningReport())`, or `Trainer(callbacks=[LightningReport()])` beside other loggers."""

from __future__ import annotations

import os
import sys

from faena.script.extensions.numbers import log_numbers, run_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping

if "lightning" in sys.modules or "pytorch_lightning" not in sys.modules:
    try:
        from lightning.pytorch.callbacks import Callback
        from lightning.pytorch.loggers import Logger
        from lightning.pytorch.utilities import rank_zero_only
    except ImportError:
        from pytorch_lightning.callbacks import Callback
        from pytorch_lightning.loggers import Logger
        from pytorch_lightning.utilities import rank_zero_only
else:
    from pytorch_lightning.callbacks import Callback
    from pytorch_lightning.loggers import Logger
    from pytorch_lightning.utilities import rank_zero_only

_LONGEST = 1000


class LightningReport(Logger, Callback):  # type: ignore[misc]  # not installed where types are checked
    """Logs what a module logs by `self.log`, by the step that Lightning gives; hyperparameters become tags.

    Of several processes the first one logs.
    """

    def __init__(self, run: Any = None) -> None:
        """`run`: default, the run of this process."""
        super().__init__()
        self._run = run

    @property
    def name(self) -> str:
        """Checkpoints go below `<name>/<version>` where the Trainer is given no other place."""
        return "faena"

    @property
    def version(self) -> str:
        return str(run_of(self._run).id)

    @property
    def save_dir(self) -> str:
        """Under `outputs` they are kept with the run."""
        return os.path.abspath("outputs")

    def setup(self, trainer: Any, pl_module: Any, stage: Any = None) -> None:
        """As a callback: becomes one of the Trainer's loggers."""
        if self not in trainer.loggers:
            trainer.loggers = [*trainer.loggers, self]

    @rank_zero_only  # type: ignore[untyped-decorator]  # as above
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        log_numbers(run_of(self._run), metrics, step)

    @rank_zero_only  # type: ignore[untyped-decorator]  # as above
    def log_hyperparams(self, params: Any, *_others: Any, **_options: Any) -> None:
        given = dict(params) if hasattr(params, "keys") else vars(params)
        run_of(self._run).set_tags({str(name): str(value)[:_LONGEST] for name, value in given.items()})
