"""Loads a model of a known kind."""

from __future__ import annotations

import os

from ..calling import Calling, Parameter
from ..failures import NotLoaded, attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

KINDS = ("chainer", "sklearn", "onnx", "mlflow")


def load(begin: dict[str, Any]) -> Calling:
    """Raises NotLoaded."""
    kind, folder = begin["kind"], begin.get("model_dir")
    if kind not in KINDS:
        raise NotLoaded("{!r} is no kind that needs no script: there are {}.".format(kind, ", ".join(KINDS)))
    if not folder:
        raise NotLoaded("A model of the kind {} was named, and no model was given with it.".format(kind))
    path = _only_entry(folder)
    from importlib import import_module

    package = __name__.rpartition(".")[0]
    options = begin.get("options") or {}
    loaded = attempt(
        lambda: explained(lambda: import_module("{}.{}".format(package, kind)).load(path, options), options),
        "Loading {} as {}".format(os.path.basename(path), kind),
    )
    run, inputs = loaded
    return Calling.of_kind(run, [Parameter(name, each, False) for name, each in inputs.items()])


def explained(load: Callable[[], Any], options: dict[str, Any]) -> Any:
    """Raises what `load` raises; of a module that is not there with what to do about it."""
    try:
        return load()
    except ModuleNotFoundError as error:
        top = (error.name or "").partition(".")[0]
        if top and top == str(options.get("link") or "").partition(":")[0].partition(".")[0]:
            what = "It holds the class: give the folder that it lies in, source_directory= (--source)"
        else:
            what = "The environment lacks it: give one that has it, environment= (--pip, --environment)"
        raise ModuleNotFoundError("{}. {}".format(error.msg, what), name=error.name) from error


def _only_entry(folder: str) -> str:
    """A model is one file or one folder; the folder around them where there are several."""
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise NotLoaded("The model's folder {} cannot be read: {}.".format(folder, error.strerror)) from None
    return os.path.join(folder, names[0]) if len(names) == 1 else folder
