"""Loggers for other libraries' training loops, by name; each is loaded, with its library, when it is first asked for.

from faena.extensions import FaenaReport
trainer.extend(FaenaReport())
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HOMES = {
    "FaenaReport": "chainer_trainer",
    "KerasReport": "keras_training",
    "LightGBMReport": "lightgbm_training",
    "LightningReport": "lightning_training",
    "XGBoostReport": "xgboost_training",
    "log_search": "sklearn_search",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(
            "faena.extensions has no {!r}. There are: {}.".format(name, ", ".join(sorted(_HOMES)))
        )
    return getattr(import_module("faena.script.extensions." + _HOMES[name]), name)
