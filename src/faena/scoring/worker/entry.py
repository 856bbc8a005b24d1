"""The scoring script: loaded, begun by its `init()`, called for each request."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys

from . import finder
from .calling import Calling
from .failures import NotLoaded, attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def load(begin: dict[str, Any]) -> Calling:
    """What answers requests from now on. Raises NotLoaded."""
    app, name = begin["app"], begin["entry"]
    os.chdir(app)
    path = os.path.join(app, name or "")
    if name is None and begin["kind"] is None:
        raise NotLoaded("There is neither a scoring script nor a kind of model that needs none.")
    for folder in (app, os.path.dirname(path)):
        if folder in sys.path:
            sys.path.remove(folder)
        sys.path.insert(0, folder)
    finder.install()
    if begin["kind"] is not None and name is None:
        from .kinds import loading

        return loading.load(begin)
    module = _execute(path, name)
    functions: dict[str, Any] = {}
    for wanted in ("init", "run"):
        functions[wanted] = getattr(module, wanted, None)
        if not callable(functions[wanted]):
            raise NotLoaded(
                "{} defines no function {}. A scoring script has init(), which loads the model, and run(data), which "
                "answers a request.".format(name, wanted)
            )
    attempt(functions["init"], "init() of {}".format(name))
    run_batch = getattr(module, "run_batch", None)
    return Calling(functions["run"], run_batch if callable(run_batch) else None)


def _execute(path: str, name: str) -> ModuleType:
    stem = os.path.splitext(os.path.basename(path))[0]
    if stem in sys.modules or not stem.isidentifier():
        stem = "_scoring_script"
    if not os.path.isfile(path):
        raise NotLoaded("There is no scoring script {} in {}.".format(name, os.path.dirname(path)))
    loader = importlib.machinery.SourceFileLoader(stem, path)
    spec = importlib.util.spec_from_file_location(stem, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[stem] = module
    attempt(lambda: loader.exec_module(module), name)
    return module
