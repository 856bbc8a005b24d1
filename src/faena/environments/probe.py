"""Asks an interpreter what it is, once: the answer is kept for as long as its file does not change."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import msgspec

from faena.environments.model import Interpreter
from faena.kernel import settings
from faena.kernel.durable import write_atomically

_TIMEOUT_SECONDS = 15.0
_NAME = "interpreters.json"

# Looks without importing: nine interpreters answer in the time in which two import ssl. Python 2 does not know -I
# and so does not answer: it is of no use here.
_QUESTION = """
import importlib.util, json, os, sys
minor = "python%d.%d" % sys.version_info[:2]
path = os.path.realpath(sys.executable)
if sys.base_prefix != sys.prefix:
    inside = os.path.join(sys.base_prefix, "bin", minor)
    path = os.path.realpath(inside) if os.path.exists(inside) else path
modules = ("_bz2", "_ctypes", "_hashlib", "_lzma", "_sqlite3", "_ssl", "venv", "zlib")
flags = getattr(sys, "abiflags", "")
print(json.dumps({
    "base": path,
    "version": "%d.%d.%d" % sys.version_info[:3],
    "implementation": {"cpython": "CPython", "pypy": "PyPy"}.get(sys.implementation.name, sys.implementation.name),
    "final": sys.version_info[3] == "final",
    "gil": "t" not in flags,
    "missing": [name.lstrip("_") for name in modules if importlib.util.find_spec(name) is None],
    "headers": os.path.exists(os.path.join(sys.base_prefix, "include", minor + flags, "Python.h")),
}))
"""


class Answer(msgspec.Struct, frozen=True):
    base: str
    """Real path of the installation that it belongs to: itself, unless it is a virtual environment's."""
    version: str
    implementation: str
    final: bool
    gil: bool
    missing: list[str]
    """Modules of the standard library that this installation lacks."""
    headers: bool
    """Whether extensions can be compiled against it."""

    def interpreter(self, path: str | None = None) -> Interpreter:
        return Interpreter(path or self.base, self.version, self.implementation)


class _Entry(msgspec.Struct, frozen=True):
    stamp: str
    answer: Answer | None
    """None: it did not answer."""


_memory: dict[str, _Entry] = {}


def recall(path: str) -> Answer | None:
    """What the interpreter answered before, without asking. None where it is not known, gone or changed."""
    stamp = _stamp(path)
    if stamp is None:
        return None
    if path not in _memory or _memory[path].stamp != stamp:
        _memory.update(_read())
    entry = _memory.get(path)
    return entry.answer if entry and entry.stamp == stamp else None


def ask(paths: Iterable[str], *, keep: bool = True) -> dict[str, Answer]:
    """The answers of those that gave one. Asks those side by side that were not asked before.

    `keep`: write down what they answered; without, nothing on disk is changed.
    """
    stamps = {path: stamp for path in dict.fromkeys(paths) if (stamp := _stamp(path)) is not None}
    known = _read()
    _memory.update(known)
    started = [(path, _start(path)) for path, stamp in stamps.items() if not _is_known(path, stamp)]
    if started:
        fresh = {path: _Entry(stamps[path], _finish(process)) for path, process in started}
        fresh |= _of_their_files(fresh)
        _memory.update(fresh)
    if started and keep:
        kept = {path: entry for path, entry in (known | fresh).items() if _stamp(path) is not None}
        write_atomically(_file(), msgspec.json.encode(kept))
    found = {path: _memory[path].answer for path in stamps}
    return {path: answer for path, answer in found.items() if answer is not None}


def _of_their_files(fresh: dict[str, _Entry]) -> dict[str, _Entry]:
    """The same answers for the files that `python3` and the like are links to, which are asked next."""
    bases = {
        entry.answer.base: entry
        for path, entry in fresh.items()
        if entry.answer and _is_link(path, entry.answer)
    }
    return {
        base: _Entry(stamp, each.answer)
        for base, each in bases.items()
        if (stamp := _stamp(base)) is not None
    }


def _is_link(path: str, answer: Answer) -> bool:
    return answer.base != path and os.path.realpath(path) == answer.base


def _is_known(path: str, stamp: str) -> bool:
    return path in _memory and _memory[path].stamp == stamp


def _stamp(path: str) -> str | None:
    """Changes when the file or what it links to does; a virtual environment's configuration counts."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    try:
        configuration = (Path(path).parent.parent / "pyvenv.cfg").stat().st_mtime_ns
    except OSError:
        configuration = 0
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{configuration}"


def _file() -> Path:
    return settings.home() / _NAME


def _read() -> dict[str, _Entry]:
    try:
        return msgspec.json.decode((settings.home_path() / _NAME).read_bytes(), type=dict[str, _Entry])
    except (OSError, msgspec.DecodeError):
        return {}


def _start(path: str) -> subprocess.Popen[bytes] | None:
    try:
        return subprocess.Popen(
            [path, "-I", "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
    except OSError:
        return None


def _finish(process: subprocess.Popen[bytes] | None) -> Answer | None:
    if process is None:
        return None
    with process:
        try:
            output, _ = process.communicate(timeout=_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return None
    try:
        return msgspec.json.decode(output, type=Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
