"""A script in an interpreter that is there already: how it begins as `python SCRIPT` would.

The process is a fork of one that has packages loaded (`faena/node/warm/template.py`). What a script sees of itself and
of its interpreter is as after a start of its own; what differs is told in docs/warm-interpreters.md. `_faena_ending.py`
is its end.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import types
from importlib.machinery import SourceFileLoader

import _faena_ending
import _faena_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

CODE = "/faena-source-folder"
"""Stands in the template's path and variables for the folder of the source, which each run has of its own."""
REPORT = "warm.json"
"""In the attempt's folder: which modules the script loaded besides, which variables it set too late."""

STANDARD = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_PACKAGES = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)
_MOST_MODULES = 5000
_open_code = getattr(io, "open_code", None) or io.FileIO  # the first since Python 3.8
READ_WHEN_LOADED = {
    "BLIS_": "numpy",
    "CHAINER_": "chainer",
    "CUPY_": "cupy",
    "GOMP_": "numpy",
    "GOTO_": "numpy",
    "JOBLIB_": "joblib",
    "MKL_": "numpy",
    "MPL": "matplotlib",
    "NPY_": "numpy",
    "NUMBA_": "numba",
    "NUMEXPR_": "numexpr",
    "NUMPY_": "numpy",
    "OMP_": "numpy",
    "OPENBLAS_": "numpy",
    "SCIPY_": "scipy",
    "SKLEARN_": "sklearn",
}
"""Variables by their beginning: the package that reads them as it is loaded."""


FAENA_SOURCES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep


def is_package(module: Any) -> bool:
    """Whether it is of the standard library, of an installed package or of Faena: never of the user's own."""
    file = getattr(module, "__file__", None)
    if file is None:
        spec = getattr(module, "__spec__", None)
        return spec is not None and spec.origin in ("built-in", "frozen")
    return file.startswith((STANDARD, FAENA_SOURCES)) or any(part in file for part in _PACKAGES)


class Template:
    """What the interpreter was before any script: noted when all packages are loaded."""

    def __init__(self, variables: Dict[bytes, bytes]) -> None:
        """`variables`: those that it was started with."""
        self.modules = frozenset(sys.modules)
        now = dict(os.environb)
        self._changed = {name: value for name, value in now.items() if variables.get(name) != value}
        self._removed = variables.keys() - now.keys()

    def variables(self, given: Dict[bytes, bytes]) -> Dict[bytes, bytes]:
        """Those of a run that was given these: what packages set as they were loaded stays."""
        found = {**given, **self._changed}
        return {name: value for name, value in found.items() if name not in self._removed}


class Script:
    """The script of a launch. Made in its process, which is single-threaded and has its log and working directory.

    `launch["warm"]`: `at`, where the script stands in `argv`, and `code`, the folder of the source.
    """

    def __init__(self, launch: Dict[str, Any], template: Template) -> None:
        self._argv: List[str] = launch["argv"]
        at = launch["warm"]["at"]
        self._is_module = self._argv[at] == "-m"
        self._target = self._argv[at + 1] if self._is_module else self._argv[at]
        self._code = os.path.abspath(launch["warm"]["code"])
        self._report = os.path.join(os.path.dirname(self._code), REPORT)
        self._template = template
        given = {_encoded(name): _encoded(value) for name, value in launch["env"].items()}
        _faena_process.describe([_encoded(word) for word in self._argv], given)
        _set_variables(template.variables(given))
        self._variables = dict(os.environ)
        sys.argv = ["-m" if self._is_module else self._target, *self._argv[at + 1 + self._is_module :]]
        if hasattr(sys, "orig_argv"):
            sys.orig_argv = list(self._argv)
        self._set_path()
        _set_signals()
        renew()
        if "mlflow" in sys.modules:
            import _faena_mlflow

            _faena_mlflow.begin()

    def _set_path(self) -> None:
        sys.path[:] = [self._code if entry == CODE else entry for entry in sys.path]
        if not getattr(sys.flags, "safe_path", False):
            sys.path.insert(0, self._first_on_path())
        last = os.environ.get("FAENA_SOURCE_LAST")
        if last and last not in sys.path:
            sys.path.append(last)

    def _first_on_path(self) -> str:
        if self._is_module:
            return os.getcwd() if sys.version_info >= (3, 7) else ""
        folder: str = os.path.dirname(os.path.realpath(self._target))
        return folder

    def run(self) -> None:
        """Never returns: the process ends with the status that the script would have by itself."""
        status = _faena_ending.finish(self._executed())
        self._tell()
        _faena_ending.clear(self._template.modules, is_package)
        if not _faena_ending.flushed() and status == 0:
            status = _faena_ending.FAILED_FLUSH
        _faena_process.leave(status)

    def _executed(self) -> int:
        """The status that it ends with."""
        try:
            if self._is_module:
                self._execute_module()
                return 0
            return self._execute_file()
        except BaseException as error:  # noqa: BLE001  as the interpreter itself
            uncaught = error
        status: int = _faena_ending.status_of(uncaught)
        return status

    def _execute_module(self) -> None:
        import runpy

        _new_main()
        runpy._run_module_as_main(self._target)  # type: ignore[attr-defined]  # what `python -m` itself calls

    def _execute_file(self) -> int:
        script = os.path.abspath(self._target) if sys.version_info >= (3, 9) else self._target
        try:
            with _open_code(script) as file:
                source = file.read()
        except OSError as error:
            text = "{}: can't open file '{}': [Errno {}] {}\n"
            sys.stderr.write(text.format(sys.executable, script, error.errno, error.strerror))
            return 2
        module = _new_main()
        vars(module).update(
            __file__=script,
            __loader__=SourceFileLoader("__main__", script),
            __cached__=None,
        )
        if sys.version_info < (3, 14):
            vars(module)["__annotations__"] = {}
        exec(compile(source, script, "exec", dont_inherit=True), vars(module))
        return 0

    def _tell(self) -> None:
        """Leave word of what the next template might load, where there is any; nobody waits for it."""
        new = [name for name in _faena_ending.loaded_since() if is_package(sys.modules[name])]
        new = [name for name in new if name not in self._template.modules]
        late = [name for name in list(os.environ) if self._is_late(name)]
        if not new and not late:
            return
        try:
            with open(self._report + ".new", "w", encoding="utf-8") as file:
                json.dump({"modules": new[:_MOST_MODULES], "late": late[:100]}, file)
            os.rename(self._report + ".new", self._report)
        except (OSError, ValueError):
            return

    def _is_late(self, name: str) -> bool:
        """Whether the script has set a variable that what was loaded before it had read by then."""
        if os.environ.get(name) == self._variables.get(name):
            return False
        return any(
            name.startswith(beginning) and package in self._template.modules
            for beginning, package in READ_WHEN_LOADED.items()
        )


def _new_main() -> types.ModuleType:
    module = types.ModuleType("__main__")
    vars(module)["__builtins__"] = sys.modules["builtins"]
    del sys.modules["__main__"]  # what the script loads stands behind it
    sys.modules["__main__"] = module
    if "__mp_main__" in sys.modules:  # as multiprocessing calls it
        sys.modules["__mp_main__"] = module
    return module


def _encoded(text: str) -> bytes:
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")


def _set_variables(wanted: Dict[bytes, bytes]) -> None:
    os.environb.clear()
    os.environb.update(wanted)


def _set_signals() -> None:
    """As an interpreter that starts leaves them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)


def renew() -> None:
    """What packages drew or noted as they were loaded is this process's own. Python's `random` sees to itself."""
    import time

    loaded: Any = sys.modules
    if "numpy.random" in loaded:
        loaded["numpy.random"].seed()
    logging = loaded.get("logging")
    if logging is not None and hasattr(logging, "_startTime"):
        logging._startTime = time.time_ns() if isinstance(logging._startTime, int) else time.time()
    main = sys.modules["threading"].main_thread() if "threading" in loaded else None
    if main is not None and getattr(main, "_native_id", None) is not None:
        main._set_native_id()  # a fork leaves it, before Python 3.13
    process = loaded.get("multiprocessing.process")
    if process is not None:
        process.ORIGINAL_DIR = os.getcwd()
        process.current_process().authkey = os.urandom(32)
