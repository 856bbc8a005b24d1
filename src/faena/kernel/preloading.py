"""Loads packages ahead of the scripts that want them, and finds those that must not be there before a fork.

In the interpreter of a run's environment: Python 3.6 and the standard library.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

BREAKS = frozenset(
    """antigravity catboost grpc idlelib jax jaxlib lib2to3 lightgbm mxnet onnxruntime paddle polars ray tensorflow test
    this torch turtledemo xgboost""".split()
)
"""Top-level names of what does not work in a process that is forked after it was loaded, or does something as it is."""


class Harmful(Exception):
    """What was loaded last must not be loaded ahead: `name`, a top-level module, and why."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.name = name


class Preloading:
    """`output`: a descriptor of the file that standard output goes to. `is_package`: whether a module is no user's."""

    def __init__(self, output: int, is_package: Callable[[Any], bool]) -> None:
        self._output = output
        self._is_package = is_package
        self._seen = set(sys.modules)
        self._descriptors = _descriptors()
        self._handlers = _handlers()
        self._folder = os.getcwd()

    def load(self, names: Iterable[str], without: Iterable[str]) -> None:
        """Load each, but nothing below the top-level names in `without`. Raises Harmful."""
        refused = BREAKS.union(without)
        for name in names:
            top = name.partition(".")[0]
            if name in sys.modules or top in refused:
                continue
            try:
                importlib.import_module(name)
            except ModuleNotFoundError as error:
                if not (name + ".").startswith((error.name or "?") + "."):
                    raise Harmful(top, "it cannot be loaded: {}".format(error)) from error
            except BaseException as error:  # noqa: BLE001  whatever it is, this one is not loaded ahead
                raise Harmful(
                    top, "it cannot be loaded: {}: {}".format(type(error).__name__, error)
                ) from error
            why = self._harm()
            if why:
                raise Harmful(top, why)
            self._seen.update(sys.modules)

    def check(self) -> None:
        """Also where nothing was loaded. Raises Harmful, with the name of the interpreter."""
        why = self._harm()
        if why:
            raise Harmful(sys.executable, why)

    def _harm(self) -> str:
        for name in [name for name in sys.modules if name not in self._seen]:
            if name.partition(".")[0] in BREAKS:
                return "it loads {}, which does not work in a forked process".format(name.partition(".")[0])
            ours = name.startswith("_faena_") or name == "__mp_main__"  # multiprocessing's name for __main__
            if not (ours or self._is_package(sys.modules[name])) and _is_of_a_file(sys.modules[name]):
                return "it loads {} from outside of the installed packages".format(name)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        if os.fstat(self._output).st_size:
            return "it writes to standard output or standard error as it is loaded"
        if _threads() > 1:
            _settle()
            if _threads() > 1:
                return "it starts a thread as it is loaded"
        if _descriptors() != self._descriptors:
            return "it keeps a file or a device open"
        if _handlers() != self._handlers:
            return "it handles signals"
        if os.getcwd() != self._folder:
            return "it changes the working directory"
        if sys.gettrace() is not None or sys.getprofile() is not None:
            return "it traces"
        return ""


def _is_of_a_file(module: Any) -> bool:
    return bool(getattr(module, "__file__", None))


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))


def _settle() -> None:
    """Threads of those who let go of them at a fork and start them again when they are wanted, as OpenBLAS does."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _descriptors() -> set[str]:
    """Those that are open, each with what it is of."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(name + " " + os.readlink("/proc/self/fd/" + name))
        except OSError:  # the listing's own
            continue
    return found


def _handlers() -> list[object]:
    return [signal.getsignal(number) for number in range(1, signal.NSIG) if number not in (32, 33)]
