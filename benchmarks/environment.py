"""A Chainer environment: unknown, and known, beside the bare commands that a user would type.

    python -m benchmarks.environment [--rounds 5]

unknown   from nothing (empty package cache, empty state folder, interpreters never asked) to the result file
bare      `uv venv` and `uv pip install` of the same requirements on the same interpreter, empty package cache
known     `find_ready`, in a process that is up

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
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from benchmarks.rows import Row, at_most
from faena.environments.catalogue import plan
from faena.environments.interpreters import choose
from faena.environments.model import EnvironmentSpec
from faena.environments.prepare import find_ready

SPEC = EnvironmentSpec(framework="chainer")
BUDGET_RATIO = 1.2
BUDGET_KNOWN_MS = 10.0


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each round."""

    bare: list[float]
    unknown: list[float]
    known: list[float]


def measure(quick: bool = False) -> list[Row]:
    found = time_environments(3 if quick else 5)
    bare, unknown = statistics.median(found.bare), statistics.median(found.unknown)
    ratios = [u / b for u, b in zip(found.unknown, found.bare, strict=True)]
    each = " ".join(f"{ratio:.2f}" for ratio in ratios)
    # The sides alternate so that each pair has the registry's and the machine's mood in common.
    paired = statistics.median(ratios)
    holds = paired <= BUDGET_RATIO
    budget = f"≤ {BUDGET_RATIO} x the rival"
    known_ms = [1000 * seconds for seconds in found.known]
    name, rival = "Chainer environment, unknown", "uv venv, uv pip install"
    return [
        Row(
            name,
            budget,
            unknown,
            "s",
            rival,
            bare,
            holds,
            f"median {paired:.2f} of the rounds' ratios: {each}",
        ),
        at_most(
            "Chainer environment, known",
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
    found = time_environments(parser.parse_args().rounds)
    bare, unknown, known = found.bare, found.unknown, found.known
    ratio = statistics.median(unknown) / statistics.median(bare)
    known_ms = statistics.median(known) * 1000
    print(f"bare     {_text(bare)}")
    print(f"unknown  {_text(unknown)}   ratio {ratio:.2f} (budget {BUDGET_RATIO})")
    print(
        f"         ratio of each round: {' '.join(f'{u / b:.2f}' for u, b in zip(unknown, bare, strict=True))}"
    )
    print(
        f"known    median {known_ms:.2f} ms, first {known[0] * 1000:.2f} ms, worst {max(known) * 1000:.2f} ms"
    )
    return 0 if ratio <= BUDGET_RATIO and known_ms <= BUDGET_KNOWN_MS else 1


def time_environments(rounds: int) -> Times:
    """Bare and unknown in turns, then known."""
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
        os.environ.pop(name, None)
    bare: list[float] = []
    unknown: list[float] = []
    with tempfile.TemporaryDirectory(prefix="faena-benchmark-", dir="/var/tmp") as temporary:
        root = Path(temporary)
        os.environ["FAENA_HOME"] = str(root / "chooser")
        python = choose(plan(SPEC).python, print).path
        for number in range(rounds):
            if (rounds - number) % 2 == 0:  # the last one ends with `unknown`, which `known` then finds
                unknown.append(_unknown(root))
                bare.append(_bare(root, python))
            else:
                bare.append(_bare(root, python))
                unknown.append(_unknown(root))
        os.environ["FAENA_HOME"] = str(root / "home")
        known = [_known() for _ in range(200)]
    return Times(bare, unknown, known)


def _bare(root: Path, python: str) -> float:
    folder, environment = _fresh(root)
    requirements, constraints = folder / "requirements.txt", folder / "build.txt"
    wanted = plan(SPEC)
    requirements.write_text("\n".join(wanted.requirements))
    constraints.write_text("\n".join(wanted.build_constraints))
    venv, uv = folder / "venv", find_uv_bin()
    started = time.perf_counter()
    subprocess.run([uv, "venv", "--quiet", "--python", python, venv], env=environment, check=True)
    install: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", venv / "bin" / "python"]
    install += ["-r", requirements, "--build-constraints", constraints]
    subprocess.run(install, env=environment, check=True)
    return time.perf_counter() - started


def _unknown(root: Path) -> float:
    folder, environment = _fresh(root)
    (folder / "spec.json").write_text(json.dumps({"framework": SPEC.framework}))
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


def _known() -> float:
    started = time.perf_counter()
    found = find_ready(SPEC)
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
