"""Environments of Chainer, and of scikit-learn as of 2019: unknown, and known, beside the commands that users type.

    python -m benchmarks.environment [--rounds 5]

unknown   from nothing (empty package cache, empty state folder, interpreters never asked) to the result file
bare      `uv venv` and `uv pip install` of the same requirements on the same interpreter, empty package cache; as of a
          date with the same options and the same pip, setuptools and wheel
known     `find_ready`, in a process that is up
choice    what finding the Python of a date takes beside the resolution on it: cold, and where it was found before

Both sides alternate, so that the registry's and the machine's moods hit both. Medians, seconds and milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from uv import find_uv_bin

from benchmarks.rows import Row, at_most
from faena.environments import compiling, cutoffs, interpreters, probe, python_releases, seeding
from faena.environments.catalogue import plan
from faena.environments.folders import locks
from faena.environments.model import EnvironmentSpec
from faena.environments.prepare import find_ready
from faena.environments.resolve import resolve
from faena.kernel import dates

CHAINER = EnvironmentSpec(framework="chainer")
DATED = EnvironmentSpec(packages=("scikit-learn==0.20.3",), as_of="2019-10-01")
BUDGET_RATIO = 1.2
BUDGET_KNOWN_MS = 10.0
BUDGET_CHOICE_COLD_S = 4.0
BUDGET_CHOICE_KNOWN_S = 0.2


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each round."""

    bare: list[float]
    unknown: list[float]
    known: list[float]
    cpu: list[tuple[float, float]]
    """Of unknown and bare, of each round, with all processes that they start."""

    @property
    def cpu_text(self) -> str:
        pairs = ", ".join(f"{unknown:.2f} / {bare:.2f} s" for unknown, bare in self.cpu)
        return f"{pairs}; median ratio {statistics.median(unknown / bare for unknown, bare in self.cpu):.2f}"


def measure(quick: bool = False) -> list[Row]:
    rounds = 3 if quick else 5
    rows = _rows("Chainer environment", time_environments(rounds, CHAINER))
    if not interpreters.of_minors(_minors(DATED)):
        return rows
    rows += _rows("environment as of 2019", time_environments(rounds, DATED))
    cold, known = time_choice(rounds)
    return [
        *rows,
        at_most("Python of 2019, cold", statistics.median(cold), BUDGET_CHOICE_COLD_S, "s", note=_text(cold)),
        at_most(
            "Python of 2019, found before",
            statistics.median(known),
            BUDGET_CHOICE_KNOWN_S,
            "s",
            note=_text(known),
        ),
    ]


def _rows(name: str, found: Times) -> list[Row]:
    bare, unknown = statistics.median(found.bare), statistics.median(found.unknown)
    ratios = [u / b for u, b in zip(found.unknown, found.bare, strict=True)]
    each = " ".join(f"{ratio:.2f}" for ratio in ratios)
    # The sides alternate so that each pair has the registry's and the machine's mood in common.
    paired = statistics.median(ratios)
    known_ms = [1000 * seconds for seconds in found.known]
    return [
        Row(
            f"{name}, unknown",
            f"≤ {BUDGET_RATIO} x the rival",
            unknown,
            "s",
            "uv venv, uv pip install",
            bare,
            paired <= BUDGET_RATIO,
            f"median {paired:.2f} of the rounds' ratios: {each}",
        ),
        at_most(
            f"{name}, known",
            statistics.median(known_ms),
            BUDGET_KNOWN_MS,
            "ms",
            note=f"first {known_ms[0]:.2f} ms, worst {max(known_ms):.2f} ms",
        ),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--as-of", action="store_true", help="the environment of 2019 instead of Chainer's")
    options = parser.parse_args()
    found = time_environments(options.rounds, DATED if options.as_of else CHAINER)
    bare, unknown, known = found.bare, found.unknown, found.known
    each = [u / b for u, b in zip(unknown, bare, strict=True)]
    ratio, known_ms = statistics.median(each), statistics.median(known) * 1000
    print(f"bare     {_text(bare)}")
    print(f"unknown  {_text(unknown)}")
    rounds = " ".join(f"{one:.2f}" for one in each)
    print(f"         ratio of each round: {rounds}, median {ratio:.2f} (budget {BUDGET_RATIO})")
    print(f"         CPU of both: {found.cpu_text}")
    print(
        f"known    median {known_ms:.2f} ms, first {known[0] * 1000:.2f} ms, worst {max(known) * 1000:.2f} ms"
    )
    if options.as_of:
        cold, again = time_choice(options.rounds)
        print(f"choice   cold {_text(cold)}; found before {_text(again)}")
    return 0 if ratio <= BUDGET_RATIO and known_ms <= BUDGET_KNOWN_MS else 1


def time_environments(rounds: int, spec: EnvironmentSpec) -> Times:
    """Bare and unknown in turns, then known."""
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
        os.environ.pop(name, None)
    bare: list[float] = []
    unknown: list[float] = []
    cpu: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory(prefix="faena-benchmark-", dir="/var/tmp") as temporary:
        root = Path(temporary)
        os.environ["FAENA_HOME"] = str(root / "chooser")
        command = _bare_command(spec, root)
        for number in range(rounds):
            used: dict[str, float] = {}
            turns = ("unknown", "bare") if (rounds - number) % 2 == 0 else ("bare", "unknown")
            for turn in turns:  # the last round ends with `unknown`, which `known` then finds
                before = _cpu()
                (unknown if turn == "unknown" else bare).append(
                    _unknown(root, spec) if turn == "unknown" else _bare(root, command)
                )
                used[turn] = _cpu() - before
            cpu.append((used["unknown"], used["bare"]))
        os.environ["FAENA_HOME"] = str(root / "home")
        known = [_known(spec) for _ in range(200)]
    return Times(bare, unknown, known, cpu)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _minors(spec: EnvironmentSpec) -> list[str]:
    return python_releases.minors_of(dates.day_of(spec.as_of))


def _bare_command(spec: EnvironmentSpec, root: Path) -> Bare:
    wanted = plan(spec)
    if not spec.as_of:
        return Bare(
            interpreters.choose(wanted.python, print).path, wanted.requirements, wanted.build_constraints, []
        )
    python = interpreters.of_minors(_minors(spec))[0]
    work = root / "seeds"
    work.mkdir()
    seeds = seeding.of_a_date(spec.as_of, spec, python, print, folder=work, held=0)
    requirements = (*wanted.requirements, *seeding.wanted(seeds, wanted.requirements))
    constraints = (*wanted.build_constraints, *cutoffs.build_constraints(spec.as_of))
    return Bare(python.path, requirements, constraints, cutoffs.options(spec.as_of))


class Bare(NamedTuple):
    python: str
    requirements: Sequence[str]
    build_constraints: Sequence[str]
    options: Sequence[str]


def _bare(root: Path, what: Bare) -> float:
    folder, environment = _fresh(root)
    requirements, constraints = folder / "requirements.txt", folder / "build.txt"
    requirements.write_text("\n".join(what.requirements))
    constraints.write_text("\n".join(what.build_constraints))
    venv, uv = folder / "venv", find_uv_bin()
    started = time.perf_counter()
    subprocess.run([uv, "venv", "--quiet", "--python", what.python, venv], env=environment, check=True)
    install: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", venv / "bin" / "python"]
    install += ["-r", requirements, "--build-constraints", constraints, *what.options]
    subprocess.run(install, env=environment, check=True)
    return time.perf_counter() - started


def _unknown(root: Path, spec: EnvironmentSpec) -> float:
    folder, environment = _fresh(root)
    (folder / "spec.json").write_bytes(msgspec.json.encode(spec))
    result = folder / "result.json"
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "faena.environments",
        "ensure",
        "--spec",
        folder / "spec.json",
    ]
    command += ["--log", folder / "build.log", "--result", result]
    started = time.perf_counter()
    with subprocess.Popen(command, env=environment, cwd=folder) as builder:
        while not result.exists() and builder.poll() is None:
            time.sleep(0.002)
        seconds = time.perf_counter() - started
        builder.wait()  # bytecode: after the result, and not in the next one's way
    if "error" in (answer := json.loads(result.read_bytes())):
        raise SystemExit(answer["error"]["message"])
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


def _known(spec: EnvironmentSpec) -> float:
    started = time.perf_counter()
    found = find_ready(spec)
    seconds = time.perf_counter() - started
    if found is None:
        raise SystemExit("The environment that was just built is not known.")
    return seconds


def _fresh(root: Path) -> tuple[Path, dict[str, str]]:
    """An empty folder, and the environment of a machine that never built anything."""
    folder = root / "work"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.rmtree(root / "home", ignore_errors=True)
    shutil.rmtree(root / "cache", ignore_errors=True)
    return folder, os.environ | {"FAENA_HOME": str(root / "home"), "UV_CACHE_DIR": str(root / "cache")}


def _text(seconds: list[float]) -> str:
    return f"median {statistics.median(seconds):.2f} s, {min(seconds):.2f} to {max(seconds):.2f}"


if __name__ == "__main__":
    sys.exit(main())
