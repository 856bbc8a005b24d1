"""What `Run.log` costs the script: calls a second and CPU a call, beside one bare `os.write` of the same size.

    python -m benchmarks.run_log [--seconds 2] [--folder DIR]

Runs each CPython of 3.6, 3.7, 3.8, 3.11 and 3.13 that it finds, with bytecode compiled and a scrubbed environment.
The file is in `--folder` (default: the current one; give a folder on the disk that runs will use, not a tmpfs). Rounds
of the subjects take turns, so that a busy machine slows all of them; medians of the rounds are printed. wandb offline
is one of the subjects where it can be imported.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.rows import Row, at_least, at_most
from faena.node.command import pythonpath

VERSIONS = ("3.6", "3.7", "3.8", "3.11", "3.13")
RATES = {"3.8": 300_000, "3.11": 500_000}
CPU_MICROSECONDS = 2
CPU_MICROSECONDS_OLD = {"3.6": 4, "3.7": 4}

# Runs under each interpreter, also 3.6: prints one JSON object.
CHILD = r"""
import json, os, platform, statistics, sys, time
folder, seconds = sys.argv[1], float(sys.argv[2])
started = time.perf_counter()
from faena import Run
import_ms = (time.perf_counter() - started) * 1e3
run = Run.get_context()
run.log("loss", 0.5)
raw = os.open(os.path.join(folder, "raw"), os.O_CREAT | os.O_WRONLY | os.O_APPEND)
data, numbers = b"x" * 40, [i * 0.1 for i in range(10000)]
os_write = os.write

def faena_log():
    log = run.log
    for number in numbers:
        log("loss", number)

def faena_log_step():
    log = run.log
    for step, number in enumerate(numbers):
        log("loss", number, step=step)

def bare_write():
    for number in numbers:
        os_write(raw, data)

subjects = {"Run.log": faena_log, "Run.log step=": faena_log_step, "os.write": bare_write}
try:
    import wandb
except ImportError:
    pass
else:
    wandb_run = wandb.init(mode="offline", dir=folder)
    def wandb_log():
        for number in numbers[:1000]:
            wandb_run.log({"loss": number})
    subjects["wandb offline"] = wandb_log
rates = {name: [] for name in subjects}
until = time.perf_counter() + seconds
while time.perf_counter() < until:
    for name, subject in subjects.items():
        calls = 1000 if name.startswith("wandb") else len(numbers)
        cpu, wall = time.process_time(), time.perf_counter()
        subject()
        rates[name].append(((time.perf_counter() - wall) / calls * 1e6, (time.process_time() - cpu) / calls * 1e6))
json.dump({
    "python": platform.python_version(),
    "import_ms": import_ms,
    "subjects": {
        name: [statistics.median(r[0] for r in found), statistics.median(r[1] for r in found), min(found)[0]]
        for name, found in rates.items()
    },
}, sys.stdout)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each interpreter (default 2)")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="where the files are written")
    options = parser.parse_args()
    print(
        f"{'python':8} {'subject':15} {'calls/s':>10} {'µs wall':>8} {'µs CPU':>7} {'best µs':>8} {'x os.write':>10}"
    )
    for version in VERSIONS:
        python = find_interpreter(version)
        if python is None:
            print(f"{version:8} not found")
            continue
        report(measure_one(python, options.folder, options.seconds))


def find_interpreter(version: str) -> str | None:
    """pyenv's CPython of this version, else the first on PATH."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(root.glob(f"versions/{version}.*/bin/python"))
    return str(found[-1]) if found else shutil.which(f"python{version}")


def measure_one(python: str, folder: Path, seconds: float) -> dict[str, object]:
    with tempfile.TemporaryDirectory(dir=folder) as work:
        spool = Path(work) / "spool"
        spool.mkdir()
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "FAENA_"))}
        env = {
            **kept,
            "PYTHONPATH": str(pythonpath(python)),
            "FAENA_RUN_ID": "bench_1_00000000",
            "FAENA_EXPERIMENT": "bench",
            "FAENA_SPOOL": str(spool),
        }
        compiled = [python, "-c", "from faena import Run"]
        subprocess.run(compiled, env=env, check=True)
        command = [python, "-c", CHILD, work, str(seconds)]
        result = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, object] = json.loads(result.stdout)
    return found


def measure(quick: bool = False) -> list[Row]:
    rows = []
    for version, rate in RATES.items():
        if (python := find_interpreter(version)) is None:
            raise RuntimeError(f"no Python {version} found: install it with pyenv, or put it on PATH")
        subjects = measure_one(python, Path("/var/tmp"), 1 if quick else 4)["subjects"]
        assert isinstance(subjects, dict)
        wall, cpu, best = subjects["Run.log"]
        bare = subjects["os.write"][0]
        rows.append(
            at_least(
                f"Run.log, Python {version}",
                1e6 / wall,
                rate,
                "calls/s",
                rival="os.write of 40 bytes",
                rival_value=1e6 / bare,
                note=f"best round {1e6 / best:,.0f}; wandb offline 4,900-8,200 (published)",
            )
        )
        rows.append(at_most(f"CPU of a Run.log, Python {version}", cpu, CPU_MICROSECONDS, "µs"))
    for version, most in CPU_MICROSECONDS_OLD.items():
        if (python := find_interpreter(version)) is not None:  # brought by nobody
            subjects = measure_one(python, Path("/var/tmp"), 1 if quick else 4)["subjects"]
            assert isinstance(subjects, dict)
            rows.append(at_most(f"CPU of a Run.log, Python {version}", subjects["Run.log"][1], most, "µs"))
    return rows


def report(found: dict[str, object]) -> None:
    subjects = found["subjects"]
    assert isinstance(subjects, dict)
    bare = subjects["os.write"][0]
    for name, (wall, cpu, best) in subjects.items():
        times = f"{1e6 / wall:10,.0f} {wall:8.2f} {cpu:7.2f} {best:8.2f} {wall / bare:10.2f}"
        print(f"{found['python']!s:8} {name:15} {times}")
    print(f"{found['python']!s:8} from faena import Run: {found['import_ms']:.1f} ms")


if __name__ == "__main__":
    main()
