"""Faena's own code in a Python 3.6: what is changed of it, and where it lies."""

from __future__ import annotations

import subprocess
import sys
from itertools import zip_longest
from pathlib import Path

import pytest

from faena.kernel.python36 import folder, versions
from faena.kernel.python36.source import for_python36
from tests.script.conftest import RunHere, find_interpreter

SOURCE = '''"""Text."""

from __future__ import annotations

import os
from time import time_ns
from typing import NamedTuple, List

_known: dict[str, int] = {}
later: List[str]


class Place(NamedTuple):
    line: int | None
    text: str = "a: b -> c"


class Plain:
    width: int = 3

    def method(
        self,
        given: dict[str, int]
        | None,
        *rest: int, größe: str = "ü", **named: object
    ) -> list[
        int
    ]:
        """Of it."""
        found: list[int] = [
            1,
        ]
        return found


def __getattr__(name: str) -> object:
    at = time_ns() // 1000 + 1
    return time_ns() if name.strip().isascii() else os.register_at_fork, at
'''


def test_what_only_type_checkers_read_goes_and_each_line_stays_where_it_was() -> None:
    made = for_python36(SOURCE, "source.py")
    lines = enumerate(zip_longest(SOURCE.split("\n"), made.split("\n")), 1)
    changed = {number: after.rstrip() for number, (before, after) in lines if before != after}
    assert changed == {
        3: "import _faena_python36",
        6: "from _faena_python36 import time_ns",
        9: "_known = {}",
        10: "pass",
        14: '    line: "object"',
        15: '    text: "object" = "a: b -> c"',
        19: "    width = 3",
        23: "        given",
        24: ",",
        25: '        *rest, größe = "ü", **named',
        26: "    )",
        27: "",
        28: ":",
        30: "        found = [",
        36: "def __getattr__(name) :",
        37: "    at = int(_faena_python36.now() * 1e6) + 1",
        38: "    return time_ns() if _faena_python36.isascii(name.strip()) else _faena_python36.register_at_fork, at",
        39: "import _faena_python36; _faena_python36.answer_for(__name__)",
        40: "",
    }


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def f(:\n", "invalid syntax"),
        ("from __future__ import division\n", "more of __future__"),
        ("from time import time, time_ns\n", "imports more than time"),
        ("import os\nos.register_at_fork()\n", "has no such line"),
        ("found: dict[\n    str, int\n] = {}\n", "over several lines"),
    ],
)
def test_what_cannot_be_changed_is_named(source: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"a/b\.py cannot be made to run on Python 3\.6: .*{message}"):
        for_python36(source, "a/b.py")


@pytest.mark.long
def test_the_copy_is_made_once_and_whole_by_many_processes_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAENA_HOME", str(tmp_path))
    code = "from faena.kernel.python36.folder import folder; print(folder())"
    command = [sys.executable, "-c", code]
    several = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    [made] = {process.communicate()[0].strip() for process in several}
    assert [process.returncode for process in several] == [0] * 3
    assert {path.relative_to(made).as_posix() for path in Path(made).rglob("*.py")} == set(folder.names())
    left = sorted(path.name for path in (tmp_path / "python36").iterdir())
    assert left == sorted([Path(made).parent.name, "lock"])


@pytest.mark.parametrize("version", ["3.6", "3.7"])
def test_each_file_can_be_compiled(version: str) -> None:
    if (python := find_interpreter(version)) is None:
        pytest.skip(f"no CPython {version} on this machine")
    faena = folder.folder() if version == "3.6" else Path(folder.__file__).parents[2]
    code = """
import sys
for path in sys.stdin.read().split("\\0"):
    with open(path, encoding="utf-8") as file:
        compile(file.read(), path, "exec")
"""
    names = "\0".join(str(faena / name) for name in folder.names())
    done = subprocess.run([python, "-c", code], input=names, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_which_python_an_interpreter_is_without_a_start(tmp_path: Path) -> None:
    assert versions.minor_of(sys.executable) == sys.version_info[:2]
    (tmp_path / "bin").mkdir()
    for name in ("python", "none"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "bin" / name).chmod(0o755)
    assert versions.minor_of(str(tmp_path / "bin" / "none")) is None
    (tmp_path / "pyvenv.cfg").write_text("home = /x\nversion_info = 3.6.15.final.0\n")
    assert versions.minor_of(str(tmp_path / "bin" / "python")) == (3, 6)
    assert versions.minor_of(str(tmp_path / "nothing")) is None


@pytest.mark.parametrize("here", ["oldest"], indirect=True)
def test_what_its_standard_library_lacks(here: RunHere) -> None:
    here.run(
        """
import os, sys
from datetime import datetime, timedelta, timezone
import _faena_python36 as shims

for moment in (
    datetime(2019, 10, 1),
    datetime(2019, 10, 1, 12, 30, 15, 250),
    datetime(2019, 10, 1, 12, 30, tzinfo=timezone.utc),
    datetime(2019, 10, 1, 12, 30, 15, 999999, timezone(-timedelta(hours=3, minutes=30))),
):
    assert shims.fromisoformat(moment.isoformat()) == moment
for wrong in ("2019-10", "2019-10-01T12:30:15.25x", "", "\\uff12019-10-01", "2019-13-01"):
    try:
        shims.fromisoformat(wrong)
    except ValueError:
        continue
    raise SystemExit(wrong)
assert shims.isascii("abc") and not shims.isascii("\\xe4") and shims.isascii(b"a") and not shims.isascii(b"\\xe4")

told = []
shims.register_at_fork(after_in_child=lambda: 1 / 0)
shims.register_at_fork(after_in_child=lambda: told.append(os.getpid()))
pid = os.fork()
if pid == 0:
    os._exit(0 if told == [os.getpid()] else 1)
assert os.waitpid(pid, 0)[1] == 0 and told == []
pid, terminal = os.forkpty()
if pid == 0:
    os._exit(0 if told == [os.getpid()] else 1)
assert os.waitpid(pid, 0)[1] == 0 and told == []
"""
    )
