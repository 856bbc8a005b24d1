"""How a script ends in an interpreter that goes on: as the interpreter itself ends one, but for the packages."""

from __future__ import annotations

import atexit
import gc
import io
import itertools
import os
import signal
import sys
import types
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, FrozenSet, List, Tuple

FAILED_FLUSH = 120
"""The status of a script whose output could not be written."""
_INTERRUPTED = -int(signal.SIGINT)
_FILE: Any = io.IOBase.__mro__[1]
"""What they all are, without the abstract class in front of it: that looks at each object of the interpreter in Python,
and Python 3.6 has some that cannot be looked at."""
_OWN_FILES = (__file__, os.path.join(os.path.dirname(os.path.abspath(__file__)), "_faena_warm.py"))


def status_of(error: BaseException) -> int:
    """The status that a script ends with which did not catch this, told as the interpreter itself does.

    A negative one is a signal.
    """
    uncaught = _without_own_frames(error)
    if isinstance(uncaught, SystemExit):
        return _exit_code(uncaught)
    status = _shown(uncaught)
    if type(uncaught) is KeyboardInterrupt and sys.version_info >= (
        3,
        8,
    ):  # the first that tells by the signal
        return _INTERRUPTED
    return status


def _without_own_frames(error: BaseException) -> BaseException:
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_code.co_filename in _OWN_FILES:
        traceback = traceback.tb_next
    return error.with_traceback(traceback)


def _exit_code(error: SystemExit) -> int:
    """As the interpreter takes what `sys.exit` was given."""
    code: Any = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF if -(1 << 63) <= code < 1 << 63 else 0xFF
    try:
        sys.stderr.write("{}\n".format(code))
    except BaseException:  # noqa: BLE001  as the interpreter: there is nobody to tell
        pass
    return 1


def _shown(error: BaseException) -> int:
    """Tell of an exception that nobody caught, as the interpreter does; the exit code."""
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    hook = getattr(sys, "excepthook", None)
    if hook is None:
        sys.stderr.write("sys.excepthook is missing\n")
        hook = sys.__excepthook__
    try:
        hook(type(error), error, error.__traceback__)
        return 1
    except BaseException as other:  # noqa: BLE001  a hook of the script's own
        second = _without_own_frames(other)
    if isinstance(second, SystemExit):
        return _exit_code(second)
    sys.stderr.write("Error in sys.excepthook:\n")
    sys.__excepthook__(type(second), second, second.__traceback__)
    sys.stderr.write("\nOriginal exception was:\n")
    sys.__excepthook__(type(error), error, error.__traceback__)
    return 1


def finish(status: int) -> int:
    """Threads joined, exit functions called, streams flushed; the status, which a stream that is full changes."""
    threading = sys.modules.get("threading")
    if threading is not None:
        try:
            threading._shutdown()  # what the interpreter itself calls
        except BaseException as error:  # noqa: BLE001  as the interpreter: told, and on it goes
            sys.__excepthook__(type(error), error, error.__traceback__)
    try:
        atexit._run_exitfuncs()
    except BaseException:  # noqa: BLE001  it has told of it
        pass
    return status if flushed() or status else FAILED_FLUSH


def flushed() -> bool:
    whole = True
    for stream in (sys.stdout, sys.stderr):
        if stream is None or getattr(stream, "closed", False):
            continue
        try:
            stream.flush()
        except BaseException as error:  # noqa: BLE001  as the interpreter: told, and on it goes
            if stream is sys.stdout:
                whole = False
                try:
                    sys.stderr.write(
                        "Exception ignored in: {!r}\n{}: {}\n".format(stream, type(error).__name__, error)
                    )
                except BaseException:  # noqa: BLE001  as Python ends, whatever one of them raises
                    pass
    return whole


def loaded_since() -> List[str]:
    """Modules that the script has loaded, in that order.

    Nobody looks at those before: each page that is touched is copied.
    """
    if sys.version_info < (3, 8):  # which has no dict that is read from its end
        backwards = reversed(list(sys.modules))
    else:
        backwards = reversed(sys.modules)
    found = list(itertools.takewhile(lambda name: name != "__main__", backwards))
    return found[::-1]


def clear(kept: FrozenSet[str], is_package: Callable[[Any], bool]) -> None:
    """Let go of the script's own modules, so that what they hold is closed and finalized; packages stay as they are."""
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        if hasattr(sys, name):
            setattr(sys, name, None)
    _flush_files()  # of a ring of objects, the collector may close what a file writes through before the file
    going: List[Tuple[str, weakref.ref[types.ModuleType]]] = []
    for name in ["__main__", "__mp_main__", *loaded_since()]:
        module: Any = sys.modules.get(name)
        is_main = name in ("__main__", "__mp_main__")
        if isinstance(module, types.ModuleType) and (is_main or not (name in kept or is_package(module))):
            going.append((name, weakref.ref(module)))
            sys.modules[name] = None  # type: ignore[assignment]  # as the interpreter does
    del module
    gc.collect()
    for _, reference in reversed(going):
        left = reference()
        if left is not None:
            _clear_names(vars(left))
        del left
    gc.collect()
    _close_files()


def _clear_names(names: Dict[str, Any]) -> None:
    """In the interpreter's order: names with one underscore first."""
    for is_first in (True, False):
        for name in list(names):
            private = name[:1] == "_" and name[1:2] != "_"
            if private is is_first and name != "__builtins__":
                names[name] = None


def _flush_files() -> None:
    """Those of the interpreter's own kinds, texts first."""
    for kind in (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom):
        for each in gc.get_objects():
            if not isinstance(each, kind) or (kind is io.TextIOWrapper and not _is_plain(each)):
                continue
            try:
                kind.flush(each)  # not of a class that is derived from it
            except BaseException:  # noqa: BLE001  it is closed, or cannot be written: its end comes
                continue


def _is_plain(text: Any) -> bool:
    try:
        return isinstance(text.buffer, (io.BufferedWriter, io.BufferedRandom))
    except BaseException:  # noqa: BLE001  detached
        return False


def _close_files() -> None:
    """Those that a package holds on to: their bytes must not be lost. Texts first, then what they write through."""
    found = [each for each in gc.get_objects() if isinstance(each, _FILE) and not isinstance(each, io.FileIO)]
    streams = (sys.stdout, sys.stderr, sys.stdin, sys.__stdout__, sys.__stderr__, sys.__stdin__)
    ours = [*streams, *(getattr(stream, "buffer", None) for stream in streams)]
    for kind in (io.TextIOBase, _FILE):
        for each in found:
            if isinstance(each, kind) and not any(each is stream for stream in ours):
                try:
                    each.close()
                except BaseException:  # noqa: BLE001  nothing more can be done for it
                    continue
