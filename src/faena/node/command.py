"""The argument list that starts what a run runs, and where its modules are looked for."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faena.kernel.python36 import versions
from faena.kernel.python36.folder import faena_of

_PYTHON = re.compile(r"python[0-9.]*\Z")
_BY_SUFFIX = {".sh": "bash", ".bash": "bash", ".r": "Rscript", ".jl": "julia", ".pl": "perl"}
"""What runs a script that does not say so itself."""
_MOST_SHEBANG = 512
_HARMLESS = frozenset({"antigravity", "idlelib", "lib2to3", "test", "this", "turtle", "turtledemo"})
"""Modules of the standard library that no other one needs."""


def pythonpath(python: str) -> Path:
    """The folder that the path of every script gains."""
    return faena_of(python) / "script" / "pythonpath"


def command(order: dict[str, Any], code: Path) -> list[str]:
    """The argument list; nothing passes a shell but what was given as a shell's."""
    python, script, entry = order["python"], order["script"], order.get("entry", "script")
    ours = pythonpath(python)
    launcher = [] if order["hooked"] else [str(ours / "_faena_launch.py")]
    # without it an exception in one rank leaves the others waiting for ever
    of_mpi = ["-m", "mpi4py"] if (order.get("distributed") or {}).get("kind") == "mpi" else []
    launcher += of_mpi
    if entry == "module":
        started = [python, *launcher, "-m", script]
    elif entry == "program":
        started = [python, *of_mpi] if _PYTHON.match(script) else [script]
    elif script.endswith(".ipynb"):
        started = [python, str(ours / "_faena_notebook.py"), script]
    elif (program := _interpreter(code / script)) is not None:
        started = [*program, _as_path(script)]
    else:
        started = [python, *launcher, script]
    return [*started, *order["arguments"]]


def script_in(order: dict[str, Any], code: Path) -> int | None:
    """Where in the argument list the script stands, or `-m`; None where it is no Python that starts it."""
    script, entry = order["script"], order.get("entry", "script")
    if entry == "program" or script.endswith(".ipynb"):
        return None
    if entry == "script" and _interpreter(code / script) is not None:
        return None
    return 1 if order["hooked"] else 2


def is_python(order: dict[str, Any], code: Path) -> bool:
    """Whether it is a Python that starts the script, and not as a notebook."""
    if order.get("entry", "script") == "program":
        return bool(_PYTHON.match(order["script"]))
    return script_in(order, code) is not None


def _interpreter(script: Path) -> list[str] | None:
    """The program that runs a script, empty for one that runs by itself; None: Python."""
    suffix = script.suffix.lower()
    if suffix in (".py", ".pyw"):
        return None
    if not script.is_file():
        return None  # Python says best what is missing
    with script.open("rb") as file:
        head = file.read(_MOST_SHEBANG)
    if head.startswith(b"\x7fELF"):
        script.chmod(0o755)
        return []
    words = _shebang(head)
    if not words:
        return [_BY_SUFFIX[suffix]] if suffix in _BY_SUFFIX else None
    return None if _PYTHON.match(Path(words[0]).name) else words


def _shebang(head: bytes) -> list[str]:
    """Its words, `env` taken away: the program is looked for on the run's PATH."""
    if not head.startswith(b"#!"):
        return []
    line = head[2:].split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    try:
        words = shlex.split(line)
    except ValueError:
        words = line.split()
    if words and Path(words[0]).name == "env":
        words = words[2:] if words[1:2] == ["-S"] else words[1:]
    return words


def _as_path(script: str) -> str:
    """Never taken for an option, nor looked for on the PATH."""
    return script if script.startswith("/") else f"./{script}"


def programs(python: str, attempt: Path) -> list[str]:
    """The folders that come first on the run's PATH, so that `python` in a shell script is the run's own.

    A system's interpreter is often called python3 alone.
    """
    found = [str(Path(python).parent)]
    if (Path(python).parent / "python").exists():
        return found
    link = attempt / "bin" / "python"
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(python)
    return [str(link.parent), *found]


def shadows(code: Path) -> list[str]:
    """Modules at the root of the source folder that have the name of one of the standard library's."""
    found = []
    for entry in os.scandir(code):
        name = entry.name.partition(".")[0]
        if name not in sys.stdlib_module_names or name in _HARMLESS:
            continue
        if entry.name.endswith((".py", ".so")) or Path(entry.path, "__init__.py").exists():
            found.append(entry.name)
    return sorted(found)


def search_path(python: str, code: Path, given: str) -> dict[str, str]:
    """The variables that make the root of the source folder importable; Python puts the script's own folder first.

    A root that would hide the standard library from the interpreter and its tools is looked in last.
    """
    hidden = bool(shadows(code))
    first = [str(pythonpath(python)), *([] if hidden else [str(code)])]
    found = {"PYTHONPATH": os.pathsep.join(filter(None, [*first, given]))}
    return found | ({"FAENA_SOURCE_LAST": str(code)} if hidden else {})


def utf8(python: str, variables: Mapping[str, str]) -> dict[str, str]:
    """The variable that has Python 3.6 write UTF-8 where the locale says nothing, as later ones do by themselves."""
    told = next(filter(None, (variables.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))), "C")
    if told not in ("C", "POSIX") or versions.minor_of(python) != (3, 6):
        return {}
    return {"PYTHONIOENCODING": "utf-8"} if variables.get("LC_ALL") else {"LC_CTYPE": "C.UTF-8"}


def note_on_path(order: dict[str, Any], code: Path) -> str:
    """What the reader of the run must know of it; empty: nothing."""
    names = shadows(code)
    if not names or "/" not in order["script"].removeprefix("./"):
        return ""
    few = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return (
        f"{few} at the root of the source folder has the name of a module of Python's standard library. So that it "
        "does not take its place, the root is searched last, after the installed packages. Rename it to have the root "
        "come first."
    )
