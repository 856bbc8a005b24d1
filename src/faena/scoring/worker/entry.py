"""The scoring script: loaded, begun by its `init()`, called for each request."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
import traceback

from . import answers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable

_FOLDER = os.path.dirname(os.path.abspath(__file__))


class NotLoaded(Exception):
    """The script cannot answer anything. `message`: in one line, why."""

    def __init__(self, message: str, trace: str | None = None, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.traceback = trace
        self.exit_code = exit_code


class Entry:
    """What a script answers. `run`: its function."""

    def __init__(self, name: str, run: Callable[..., Any]) -> None:
        self._name = name
        self._run = run
        self.description: dict[str, Any] = {"pid": os.getpid(), "python": sys.version.split()[0]}

    def answer(self, kind: int, description: bytes, body: bytes) -> bytes | answers.Said:
        """Never raises what the script raises."""
        try:
            return answers.encode(self._run(body.decode()))
        except BaseException as error:
            return failed(error)


def failed(error: BaseException) -> answers.Said:
    """The answer, while the traceback goes to the log."""
    if isinstance(error, answers.BadInput):
        return answers.refused(str(error))
    text = trace_of(error)
    if isinstance(error, answers.NotJson):
        text = "{}\n".format(error)
    sys.stderr.write(text)
    sys.stderr.flush()
    return answers.Said(500, line_of(error).encode("utf-8", "replace"), answers.TEXT, raised=True)


def line_of(error: BaseException) -> str:
    """What was raised, without where."""
    if isinstance(error, SystemExit):
        return "sys.exit({}) was called".format("" if error.code is None else repr(error.code))
    if isinstance(error, answers.NotJson):
        return str(error)
    return "".join(traceback.format_exception_only(type(error), error)).strip()


def trace_of(error: BaseException) -> str:
    """The traceback without the frames of this folder and of the import system above the script's."""
    first = error.__traceback__
    while first is not None and _is_ours(first.tb_frame.f_code.co_filename):
        first = first.tb_next
    return "".join(traceback.format_exception(type(error), error, first))


def _is_ours(file: str) -> bool:
    return os.path.dirname(file) == _FOLDER or file.startswith("<frozen importlib")


def load(begin: dict[str, Any]) -> Entry:
    """Raises NotLoaded."""
    app, name = begin["app"], begin["entry"]
    os.chdir(app)
    path = os.path.join(app, name)
    for folder in (app, os.path.dirname(path)):
        if folder in sys.path:
            sys.path.remove(folder)
        sys.path.insert(0, folder)
    module = _execute(path, name)
    functions: dict[str, Any] = {}
    for wanted in ("init", "run"):
        functions[wanted] = getattr(module, wanted, None)
        if not callable(functions[wanted]):
            raise NotLoaded(
                "{} defines no function {}. A scoring script has init(), which loads the model, and run(data), which "
                "answers a request.".format(name, wanted)
            )
    _attempt(functions["init"], "init() of {}".format(name))
    return Entry(name, functions["run"])


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
    _attempt(lambda: loader.exec_module(module), name)
    return module


def _attempt(do: Callable[[], Any], what: str) -> Any:
    try:
        return do()
    except BaseException as error:
        trace = trace_of(error)
        sys.stderr.write(trace)
        sys.stderr.flush()
        code = 1
        if isinstance(error, SystemExit) and isinstance(error.code, int):
            code = error.code
        raise NotLoaded("{} failed: {}".format(what, line_of(error)), trace, code) from None
