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

_LIBRARIES = {
    "FaenaReport": "chainer",
    "KerasReport": "keras",
    "LightGBMReport": "lightgbm",
    "LightningReport": "lightning",
    "XGBoostReport": "xgboost",
    "log_search": "scikit-learn",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(
            "faena.extensions has no {!r}. There are: {}.".format(name, ", ".join(sorted(_HOMES)))
        )
    try:
        home = import_module("faena.script.extensions." + _HOMES[name])
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "faena":
            raise
        raise _missing(name, error) from error
    return getattr(home, name)


def _missing(name: str, error: ImportError) -> Exception:
    """A UserErrorException that is an ImportError, too, for scripts that go on without a library."""
    from faena.script.errors import UserErrorException

    kind = type("UserErrorException", (UserErrorException, ImportError), {})
    library = _LIBRARIES[name]
    found: Exception = kind(
        "{} needs {}, which cannot be loaded here ({}): pip install {}, into the environment that uses it.".format(
            name, library, error, library
        )
    )
    return found
