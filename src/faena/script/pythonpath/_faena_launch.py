"""`python _faena_launch.py SCRIPT ARGUMENTS...`: as `python SCRIPT ARGUMENTS...`, with Faena's hooks installed first;
`_faena_launch.py -m MODULE ARGUMENTS...` as `python -m MODULE ARGUMENTS...`.

For interpreters that Faena did not build; the others have a `.pth` file. The script is `__main__` as it would be
without: `sys.argv`, `sys.path[0]`, `__file__`, pickling, spawned children and tracebacks are the same.
"""

from __future__ import annotations

import io
import os
import sys
import types
from importlib.machinery import SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

_here = os.path.dirname(os.path.abspath(__file__))
_open_code = getattr(io, "open_code", None) or io.FileIO  # the first since Python 3.8


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("usage: python _faena_launch.py SCRIPT [ARGUMENT ...]")
    del sys.argv[0]
    script = sys.argv[0]
    if script == "-m" and len(sys.argv) > 1:
        _become_module(sys.argv.pop(1))
        return
    if sys.version_info >= (3, 9):
        script = os.path.abspath(script)  # as Python itself does from 3.9 on
    try:
        with _open_code(os.path.abspath(script)) as file:
            source = file.read()
    except OSError as error:
        text = "{}: can't open file '{}': [Errno {}] {}\n"
        sys.stderr.write(text.format(sys.executable, script, error.errno, error.strerror))
        sys.exit(2)
    _become(script, source)


def _become(script: str, source: bytes) -> None:
    _install(os.path.dirname(os.path.realpath(script)))
    module = _new_main()
    loader = SourceFileLoader("__main__", script)
    vars(module).update(__file__=script, __cached__=None, __loader__=loader)
    if sys.version_info < (3, 14):
        vars(module)["__annotations__"] = {}
    exec(compile(source, script, "exec", dont_inherit=True), module.__dict__)


def _become_module(name: str) -> None:
    _install(os.getcwd() if sys.version_info >= (3, 7) else "")  # as Python itself
    import runpy

    _new_main()
    runpy._run_module_as_main(name)  # type: ignore[attr-defined]  # what `python -m` itself calls, in every version


def _install(folder: str) -> None:
    """The hooks, and `folder` in the place of this file's own."""
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = folder
    if _here not in sys.path:
        sys.path.append(_here)
    import _faena_start

    _faena_start.install()


def _new_main() -> types.ModuleType:
    module = types.ModuleType("__main__")
    # The last one keeps this module's functions alive as long as the script.
    vars(module).update(__builtins__=sys.modules["builtins"], _faena_launcher=sys.modules["__main__"])
    sys.modules["__main__"] = module
    _hide_launcher_from_tracebacks()
    return module


def _hide_launcher_from_tracebacks() -> None:
    shown = sys.excepthook

    def excepthook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
            traceback = traceback.tb_next
        shown(kind, error.with_traceback(traceback), traceback)

    sys.excepthook = excepthook


main()
