"""Keras' layers of cuDNN, which have no form for the CPU: the plain ones that compute the same stand in their place."""

from __future__ import annotations

import sys

import _faena_gpu

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def change_cudnn(module: Any) -> None:
    """`…layers.cudnn_recurrent`, of Keras 2 and of TensorFlow 1."""
    if not (_faena_gpu.may_answer() and _faena_gpu.sees_none()):
        return
    plain: Any = sys.modules[module.__name__.replace("cudnn_recurrent", "recurrent")]
    module.CuDNNLSTM = _standing_in("CuDNNLSTM", plain.LSTM, {})
    module.CuDNNGRU = _standing_in("CuDNNGRU", plain.GRU, {"reset_after": True})


def _standing_in(name: str, plain: Any, always: Any) -> Any:
    def made(self: Any, units: int, **named: Any) -> None:
        _faena_gpu.tell("Keras")
        named.update(always, activation="tanh", recurrent_activation="sigmoid")
        plain.__init__(self, units, **named)

    return type(name, (plain,), {"__init__": made, "__module__": plain.__module__})
