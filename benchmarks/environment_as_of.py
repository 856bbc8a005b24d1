"""Environments as of a date beside uv with the same flags; part of `benchmarks.environment` (`--as-of`).

unknown   from nothing kept (empty state folder, interpreters never asked) to the result file
rival     the same job by commands of uv's, by somebody who knows Python, flags and build tools already:
          `uv venv --seed --exclude-newer DATE`, `uv pip compile --generate-hashes` and
          `uv pip install --no-deps --require-hashes`, with `--exclude-newer` DATE, setuptools and wheel of 2021-12-31
          and the build constraint `setuptools<60`
known     `find_ready`, in a process that is up
choice    what finding the Python of a date takes beside the resolution on it: cold, and where it was found before

Each round empties uv's cache before each side, or (`--warm`) keeps one that both have filled. The sides alternate. CPU
is that of all processes that a side starts, until the interpreter may be used.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from uv import find_uv_bin

from benchmarks.rows import Row, at_most
from faena.environments import compiling, cutoffs, interpreters, probe, python_releases
from faena.environments.catalogue import plan
from faena.environments.folders import locks
from faena.environments.model import EnvironmentSpec
from faena.environments.prepare import find_ready
from faena.environments.resolve import resolve
from faena.kernel import dates

DATED = EnvironmentSpec(packages=("scikit-learn==0.20.3",), as_of="2019-10-01")
RIVAL = "uv venv, compile, install"
_RATIO = 1.2
_KNOWN_MS = 10.0
_CHOICE_COLD_S = 4.0
_CHOICE_KNOWN_S = 0.2
_TICKS = os.sysconf("SC_CLK_TCK")


class Taken(NamedTuple):
    wall: float
    cpu: float


class Found(NamedTuple):
    """Seconds of each round."""

    ours: list[Taken]
    rival: list[Taken]
    known: list[float]

    def ratios(self, of: Callable[[Taken], float]) -> list[float]:
        return [of(ours) / of(rival) for ours, rival in zip(self.ours, self.rival, strict=True)]

    @property
    def text(self) -> str:
        cpu = f"CPU {_median(self.ours, 1):.2f} and {_median(self.rival, 1):.2f} s"
        ratios = (self.ratios(lambda each: each.wall), self.ratios(lambda each: each.cpu))
        wall, used = (
            f"{statistics.median(each):.2f} ({' '.join(f'{one:.2f}' for one in each)})" for each in ratios
        )
        return f"median ratio of the rounds: wall {wall}, CPU {used}; {cpu}"


def is_possible(spec: EnvironmentSpec = DATED) -> bool:
    return bool(_pythons(spec))


def measure(rounds: int) -> list[Row]:
    rows: list[Row] = []
    for warm in (False, True):
        found = time_environments(rounds, DATED, warm=warm)
        name = f"{DATED.packages[0]} as of {DATED.as_of}"
        rows.append(_unknown_row(f"{name}, unknown, {'warm' if warm else 'empty'} cache", found))
    known = [1000 * seconds for seconds in found.known]
    rows.append(
        at_most(f"{name}, known", statistics.median(known), _KNOWN_MS, "ms", note=f"first {known[0]:.2f} ms")
    )
    cold, again = time_choice(rounds)
    return [
        *rows,
        at_most("Python of 2019, cold", statistics.median(cold), _CHOICE_COLD_S, "s", note=spread(cold)),
        at_most(
            "Python of 2019, found before", statistics.median(again), _CHOICE_KNOWN_S, "s", note=spread(again)
        ),
    ]


def _unknown_row(name: str, found: Found) -> Row:
    ours, rival = _median(found.ours, 0), _median(found.rival, 0)
    # The sides alternate so that each pair has the registry's and the machine's mood in common.
    paired = statistics.median(found.ratios(lambda each: each.wall))
    return Row(name, f"≤ {_RATIO} x the rival", ours, "s", RIVAL, rival, paired <= _RATIO, found.text)


def report(spec: EnvironmentSpec, rounds: int, *, warm: bool) -> int:
    """Prints it; 0 where the ratio holds."""
    found = time_environments(rounds, spec, warm=warm)
    for name, sides in (("rival", found.rival), ("unknown", found.ours)):
        print(
            f"{name:8} wall {spread([each.wall for each in sides])}; CPU {spread([each.cpu for each in sides])}"
        )
    print(f"         {found.text}")
    known = [1000 * seconds for seconds in found.known]
    print(f"known    median {statistics.median(known):.2f} ms, first {known[0]:.2f}, worst {max(known):.2f}")
    cold, again = time_choice(rounds)
    print(f"choice   cold {spread(cold)}; found before {spread(again)}")
    return 0 if statistics.median(found.ratios(lambda each: each.wall)) <= _RATIO else 1


def time_environments(rounds: int, spec: EnvironmentSpec, *, warm: bool) -> Found:
    found = Found([], [], [])
    with tempfile.TemporaryDirectory(prefix="faena-benchmark-", dir="/var/tmp") as temporary:
        root = Path(temporary)
        os.environ["FAENA_HOME"] = str(root / "chooser")
        python = _pythons(spec)[0].path
        sides: tuple[Callable[[], None], ...] = (
            lambda: found.rival.append(_rival(root, spec, python)),
            lambda: found.ours.append(_ours(root, spec)),
        )
        if warm:
            for side in sides:
                side()
            found.rival.clear()
            found.ours.clear()
        for number in range(rounds):
            for side in sides if (rounds - number) % 2 else sides[::-1]:  # ours ends, and is then found
                if not warm:
                    shutil.rmtree(root / "cache", ignore_errors=True)
                side()
        os.environ["FAENA_HOME"] = str(root / "home")
        found.known.extend(_known(spec) for _ in range(200))
    return found


def _pythons(spec: EnvironmentSpec) -> list[Any]:
    return interpreters.of_minors(python_releases.minors_of(dates.day_of(spec.as_of)))


def _rival(root: Path, spec: EnvironmentSpec, python: str) -> Taken:
    folder, variables = _fresh(root)
    wanted, built, locked = (folder / name for name in ("wanted.txt", "build.txt", "locked.txt"))
    asked = plan(spec)
    wanted.write_text("\n".join(asked.requirements))
    built.write_text("\n".join((*asked.build_constraints, *cutoffs.build_constraints(spec.as_of))))
    inside = folder / "venv" / "bin" / "python"
    flags: list[str | Path] = [*cutoffs.options(spec.as_of), "--build-constraints", built, "--python", inside]
    commands: list[list[str | Path]] = [
        ["venv", "--seed", *cutoffs.only_by_date(spec.as_of), "--python", python, folder / "venv"],
        ["pip", "compile", "--generate-hashes", *flags, "--output-file", locked, wanted],
        ["pip", "install", "--no-deps", "--require-hashes", *flags, "--requirements", locked],
    ]
    before, started = _children(), time.perf_counter()
    for command in commands:
        subprocess.run([find_uv_bin(), "--quiet", *command], env=variables, cwd=folder, check=True)
    return Taken(time.perf_counter() - started, _children() - before)


def _ours(root: Path, spec: EnvironmentSpec) -> Taken:
    shutil.rmtree(root / "home", ignore_errors=True)
    folder, variables = _fresh(root)
    (folder / "spec.json").write_bytes(msgspec.json.encode(spec))
    result = folder / "result.json"
    command: list[str | Path] = [sys.executable, "-m", "faena.environments", "ensure"]
    command += ["--spec", folder / "spec.json", "--log", folder / "build.log", "--result", result]
    started = time.perf_counter()
    with subprocess.Popen(command, env=variables, cwd=folder) as builder:
        while not result.exists() and builder.poll() is None:
            time.sleep(0.002)
        wall, cpu = time.perf_counter() - started, _used(builder.pid)
        builder.wait()  # bytecode: after the result, and not in the next one's way
    if "error" in (answer := json.loads(result.read_bytes())):
        raise SystemExit(answer["error"]["message"])
    return Taken(wall, cpu)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _used(process: int) -> float:
    """CPU seconds of a process that still runs, and of those that it has waited for."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def _fresh(root: Path) -> tuple[Path, dict[str, str]]:
    """An empty folder, and the variables of a machine that never built anything."""
    folder = root / "work"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder, os.environ | {"FAENA_HOME": str(root / "home"), "UV_CACHE_DIR": str(root / "cache")}


def _known(spec: EnvironmentSpec) -> float:
    started = time.perf_counter()
    found = find_ready(spec)
    seconds = time.perf_counter() - started
    if found is None:
        raise SystemExit("The environment that was just built is not known.")
    return seconds


def time_choice(rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of a resolution but for the one that counts: with nothing kept, and with what that kept."""
    cold: list[float] = []
    known: list[float] = []
    inner = compiling.compiled
    taken: list[float] = []

    def timed(*given: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return inner(*given, **named)
        finally:
            taken.append(time.perf_counter() - started)

    compiling.compiled = timed
    try:
        with tempfile.TemporaryDirectory(prefix="faena-benchmark-", dir="/var/tmp") as temporary:
            for number in range(rounds):
                home = Path(temporary) / str(number)
                os.environ["FAENA_HOME"] = str(home)
                os.environ["UV_CACHE_DIR"] = str(home / "cache")
                probe._memory.clear()
                for found in (cold, known):
                    started = time.perf_counter()
                    resolve(DATED, lambda line: None)
                    found.append(time.perf_counter() - started - taken.pop())
                    shutil.rmtree(locks())
    finally:
        compiling.compiled = inner
        os.environ.pop("UV_CACHE_DIR", None)
    return cold, known


def spread(seconds: list[float]) -> str:
    return f"median {statistics.median(seconds):.2f} s, {min(seconds):.2f} to {max(seconds):.2f}"


def _median(sides: list[Taken], which: int) -> float:
    return statistics.median(each[which] for each in sides)
