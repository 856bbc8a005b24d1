"""Environments of Chainer, and of scikit-learn as of 2019: unknown, and known, beside the commands that users type.

    python -m benchmarks.environment [--rounds 5]

unknown   from nothing (empty package cache, empty state folder, interpreters never asked) to the result file
bare      `uv venv` and `uv pip install` of the same requirements on the same interpreter, empty package cache
known     `find_ready`, in a process that is up

As of 2019 as `benchmarks.environment_as_of` says.

Both sides alternate, so that the registry's and the machine's moods hit both. Medians, seconds and milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
from uv import find_uv_bin

from benchmarks import environment_as_of
from benchmarks.rows import Row, at_most
from faena.environments import interpreters
from faena.environments.catalogue import plan
from faena.environments.model import EnvironmentSpec
from faena.environments.prepare import find_ready

CHAINER = EnvironmentSpec(framework="chainer")
BUDGET_RATIO = 1.2
BUDGET_KNOWN_MS = 10.0


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each round."""

    bare: list[float]
    unknown: list[float]
    known: list[float]


def measure(quick: bool = False) -> list[Row]:
    rounds = 3 if quick else 5
    rows = _rows("Chainer environment", time_environments(rounds, CHAINER))
    return [*rows, *(environment_as_of.measure(rounds) if environment_as_of.is_possible() else ())]


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
    parser.add_argument(
        "--as-of",
        nargs="?",
        const=environment_as_of.DATED.as_of,
        metavar="DATE",
        help="an environment of that day instead of Chainer's (see `benchmarks.environment_as_of`)",
    )
    parser.add_argument("--pip", nargs="+", default=environment_as_of.DATED.packages, help="what it has")
    parser.add_argument("--warm", action="store_true", help="uv's cache is kept between rounds")
    options = parser.parse_args()
    _as_users_do()
    if options.as_of:
        spec = EnvironmentSpec(packages=tuple(options.pip), as_of=options.as_of)
        return environment_as_of.report(spec, options.rounds, warm=options.warm)
    found = time_environments(options.rounds, CHAINER)
    bare, unknown, known = found.bare, found.unknown, found.known
    each = [u / b for u, b in zip(unknown, bare, strict=True)]
    ratio, known_ms = statistics.median(each), statistics.median(known) * 1000
    print(f"bare     {_text(bare)}")
    print(f"unknown  {_text(unknown)}")
    rounds = " ".join(f"{one:.2f}" for one in each)
    print(f"         ratio of each round: {rounds}, median {ratio:.2f} (budget {BUDGET_RATIO})")
    print(
        f"known    median {known_ms:.2f} ms, first {known[0] * 1000:.2f} ms, worst {max(known) * 1000:.2f} ms"
    )
    return 0 if ratio <= BUDGET_RATIO and known_ms <= BUDGET_KNOWN_MS else 1


def time_environments(rounds: int, spec: EnvironmentSpec) -> Times:
    """Bare and unknown in turns, then known."""
    _as_users_do()
    bare: list[float] = []
    unknown: list[float] = []
    with tempfile.TemporaryDirectory(prefix="faena-benchmark-", dir="/var/tmp") as temporary:
        root = Path(temporary)
        os.environ["FAENA_HOME"] = str(root / "chooser")
        command = _bare_command(spec)
        for number in range(rounds):
            turns = ("unknown", "bare") if (rounds - number) % 2 == 0 else ("bare", "unknown")
            for turn in turns:  # the last round ends with `unknown`, which `known` then finds
                (unknown if turn == "unknown" else bare).append(
                    _unknown(root, spec) if turn == "unknown" else _bare(root, command)
                )
        os.environ["FAENA_HOME"] = str(root / "home")
        known = [_known(spec) for _ in range(200)]
    return Times(bare, unknown, known)


def _as_users_do() -> None:
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
        os.environ.pop(name, None)


def _bare_command(spec: EnvironmentSpec) -> Bare:
    wanted = plan(spec)
    python = interpreters.choose(wanted.python, print).path
    return Bare(python, wanted.requirements, wanted.build_constraints)


class Bare(NamedTuple):
    python: str
    requirements: Sequence[str]
    build_constraints: Sequence[str]


def _bare(root: Path, what: Bare) -> float:
    folder, environment = _fresh(root)
    requirements, constraints = folder / "requirements.txt", folder / "build.txt"
    requirements.write_text("\n".join(what.requirements))
    constraints.write_text("\n".join(what.build_constraints))
    venv, uv = folder / "venv", find_uv_bin()
    started = time.perf_counter()
    subprocess.run([uv, "venv", "--quiet", "--python", what.python, venv], env=environment, check=True)
    install: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", venv / "bin" / "python"]
    install += ["-r", requirements, "--build-constraints", constraints]
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
