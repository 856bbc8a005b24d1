"""Keras, by itself or TensorFlow's: `model.fit(…, callbacks=[KerasReport()])`."""

from __future__ import annotations

import sys

from faena.script.extensions.numbers import log_numbers, run_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping


def _base() -> Any:
    """The Callback of the Keras that the script uses: one that is loaded already, else the one that is installed."""
    if "keras" not in sys.modules and "tensorflow" in sys.modules:
        from tensorflow import keras
    else:
        try:
            import keras
        except ImportError:
            from tensorflow import keras
    return keras.callbacks.Callback


class KerasReport(_base()):  # type: ignore[misc]  # which Keras it is, is known when it runs
    """Logs loss and metrics after each epoch, which is the step, counted from 0 as Keras counts."""

    def __init__(self, run: Any = None) -> None:
        """`run`: default, the run of this process."""
        super().__init__()
        self._run = run

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        log_numbers(run_of(self._run), logs or {}, epoch)
