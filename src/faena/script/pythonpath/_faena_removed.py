"""Scripts of 2019 in an environment of today: names that were removed and still have one meaning are answered.

Code in site-packages and in the standard library is never answered, so that what a library finds out by `hasattr` stays
true. Each name that is answered is told once a run on stderr; `FAENA_REMOVED_NAMES=off` turns all of it off.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec

import _faena_patch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, ModuleType
    from typing import Any, Callable, Dict, Optional, Set, Tuple

SETTING = "FAENA_REMOVED_NAMES"
_OFF = ("off", "0", "no", "false")
_STANDARD = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_PACKAGES = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)
_IMPORTERS = ("<frozen importlib", os.path.join(_STANDARD, "importlib") + os.sep)
_OURS = frozenset([__file__, _faena_patch.__file__])

_installed = False
_told: Set[str] = set()
_aliases: Dict[str, str] = {}
"""Modules that were answered by another one; their submodules are then those of that one."""


def install() -> None:
    """Answers from now on, unless the setting says otherwise. A second call does nothing."""
    global _installed
    if _installed or os.environ.get(SETTING, "").lower() in _OFF:
        return
    _installed = True
    from _faena_removed_names import NAMES

    sys.meta_path.append(_finder)
    _faena_patch.install({name: _answering(name) for name in NAMES})


def _answering(name: str) -> Callable[[Any], None]:
    def change(module: Any) -> None:
        from _faena_removed_names import NAMES

        _answer_names(module, NAMES[name])

    return change


def _answer_names(module: Any, names: Dict[str, str]) -> None:
    """Asked for what the module lacks, its own `__getattr__` first; a name that it has is never looked at."""
    own = vars(module).get("__getattr__")

    def answer(name: str) -> Any:
        try:
            if own is None:
                raise _no_attribute(module, name)
            return _quietly(own, name) if name in names else own(name)
        except (AttributeError, ImportError):
            asker = _asker() if name in names else None
            if asker is None:
                raise
        found = _resolved(names[name])
        _tell("{}.{}".format(module.__name__, name), names[name], asker)
        return found

    module.__getattr__ = answer
    if sys.version_info < (3, 7):  # which asks no module
        import _faena_python36

        _faena_python36.ask(module)


def _quietly(own: Callable[[str], Any], name: str) -> Any:
    """Without NumPy's warning of what np.object may mean one day, which would name this file."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return own(name)


def _no_attribute(module: Any, name: str) -> AttributeError:
    error = AttributeError("module {!r} has no attribute {!r}".format(module.__name__, name))
    if sys.version_info >= (3, 10):  # for the suggestion that stands behind the message
        error.name, error.obj = name, module
    return error


def _resolved(source: str) -> Any:
    import importlib

    if source.startswith("!"):
        return _OWN[source]()
    module, _, name = source.partition(":")
    found = importlib.import_module(module)
    return getattr(found, name) if name else found


def _asker() -> Optional[Tuple[str, int]]:
    """File and line of the code that asks, where it is the user's own; None for a library's."""
    frame: Optional[FrameType] = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_IMPORTERS) and file not in _OURS:
            library = file.startswith((_STANDARD, "<frozen ")) or any(part in file for part in _PACKAGES)
            return None if library else (file, frame.f_lineno)
        frame = frame.f_back
    return None


def _tell(name: str, source: str, asker: Tuple[str, int]) -> None:
    if name in _told:
        return
    _told.add(name)
    spool = os.environ.get("FAENA_SPOOL")
    if spool:  # the processes of a run agree by a file
        try:
            os.close(
                os.open(os.path.join(spool, ".removed-" + name), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
            )
        except FileExistsError:
            return
        except OSError:  # a full disk: rather twice than never
            pass
    meant = _SPELLED.get(source, source.replace("builtins:", "").replace(":", "."))
    text = "faena: {}:{}: {} was removed; {} is taken instead. {}=off turns this off.\n"
    in_notebook = os.path.basename(os.path.dirname(asker[0])).startswith("ipykernel_")
    file = "line" if in_notebook else os.path.basename(asker[0])  # a cell's file has a number for a name
    sys.stderr.write(text.format(file, asker[1], name, meant, SETTING))


class _Finder:
    """Finds what nobody else has found."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> Optional[ModuleSpec]:
        parent, _, child = name.rpartition(".")
        if parent in _aliases:
            real = "{}.{}".format(_aliases[parent], child)
            return ModuleSpec(name, _Loader(real, None)) if _is_there(real) else None  # type: ignore[arg-type]  # no Loader by name
        from _faena_removed_names import MODULES

        source = MODULES.get(name)
        asker = None if source is None else _asker()
        if source is None or asker is None or not _is_there(source):
            return None
        return ModuleSpec(name, _Loader(source, asker))  # type: ignore[arg-type]  # importlib.abc would cost its import


class _Loader:
    """Lets another module stand for the one that was asked for."""

    def __init__(self, source: str, asker: Optional[Tuple[str, int]]) -> None:
        self._source = source
        self._asker = asker

    def create_module(self, spec: ModuleSpec) -> None:
        """A new one, which is thrown away: one that is given here would have its `__spec__` overwritten."""

    def exec_module(self, module: ModuleType) -> None:
        import importlib

        name = module.__name__
        sys.modules[name] = importlib.import_module(self._source)
        if not _aliases:  # or the submodules of the other one would be loaded a second time, under this name
            sys.meta_path.insert(0, _finder)
        _aliases[name] = self._source
        if self._asker is not None:
            _tell(name, self._source, self._asker)


_finder = _Finder()


def _is_there(source: str) -> bool:
    import importlib.util

    try:
        return importlib.util.find_spec(source) is not None
    except ImportError:
        return False


def _minus_infinity() -> float:
    return -float("inf")


def _getargspec() -> Callable[[Any], Any]:
    import inspect
    from collections import namedtuple

    ArgSpec = namedtuple("ArgSpec", "args varargs keywords defaults")  # noqa: N806  a class

    def getargspec(function: Any) -> Any:
        """Names and defaults of a function's arguments, as Python's own gave them until 3.11."""
        found = inspect.getfullargspec(function)
        if found.kwonlyargs or found.annotations:
            raise ValueError(
                "Function has keyword-only parameters or annotations, use inspect.signature() which can support them"
            )
        return ArgSpec(found.args, found.varargs, found.varkw, found.defaults)

    return getargspec


def _gcd() -> Callable[[Any, Any], Any]:
    def gcd(a: Any, b: Any) -> Any:
        """The greatest common divisor with the sign of `b`, as `fractions.gcd` gave it until Python 3.9."""
        while b:
            a, b = b, a % b
        return a

    return gcd


def _load_boston() -> Callable[..., Any]:
    from _faena_dead_sets import load_boston

    answer: Callable[..., Any] = load_boston
    return answer


def _fetch_mldata() -> Callable[..., Any]:
    import functools

    import _faena_dead_sets

    return functools.partial(_faena_dead_sets.fetch_mldata, None)


_OWN = {
    "!minus_infinity": _minus_infinity,
    "!getargspec": _getargspec,
    "!gcd": _gcd,
    "!load_boston": _load_boston,
    "!fetch_mldata": _fetch_mldata,
}
_SPELLED = {
    "!minus_infinity": "-numpy.inf",
    "!getargspec": "one of its kind",
    "!gcd": "one of its kind",
    "!load_boston": "one of its kind",
    "!fetch_mldata": "one of its kind",
}
