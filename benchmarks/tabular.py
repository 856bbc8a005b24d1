"""A CSV file of 1 GB as a tabular dataset: `python -m benchmarks.tabular [ROWS]`.

Read in chunks, filtered by a column of dates, split in two. Beside it pandas' own `read_csv(chunksize=…)`, which does
the same by hand: the same columns, dates parsed, in chunks of about as many rows. Each figure is the median CPU time of
five processes, ours and pandas' by turns, after the import of pandas; memory is the largest that one of them had. Last
stands what most people write, `read_csv` of the whole file.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.rows import Row, at_most, command

ROWS = 16_400_000
TIMES = 5
BUDGET_RATIO = 1.2
BUDGET_MB = 200
OURS = """
import json, resource, sys, time
import pandas
from faena.client.data.dataset import Dataset
began = time.process_time()
what, path = sys.argv[1:]
made = Dataset.Tabular.from_delimited_files(path)
if what == "filter":
    made = made.with_timestamp_columns("when").time_between("2015-06-01", "2015-06-30")
parts = made.random_split(0.8, seed=1) if what in ("split", "half") else [made]
counts = [sum(map(len, part.to_pandas_chunks())) for part in (parts[1:] if what == "half" else parts)]
spent = time.process_time() - began
"""
BY_HAND = """
import json, resource, sys, time
import numpy, pandas
began = time.process_time()
what, path = sys.argv[1:]
counts = [0, 0]
chance = numpy.random.RandomState(1)
for frame in pandas.read_csv(path, chunksize=100_000, parse_dates=["when"]):
    if what == "filter":
        frame = frame[(frame["when"] >= "2015-06-01") & (frame["when"] <= "2015-06-30")]
    drawn = chance.random_sample(len(frame)) < 0.8 if what in ("split", "half") else None
    parts = [frame] if drawn is None else [frame[~drawn]] if what == "half" else [frame[drawn], frame[~drawn]]
    counts = [count + len(part) for count, part in zip(counts, parts)]
spent = time.process_time() - began
counts = [count for count in counts if count]
"""
WHOLE = """
import json, resource, sys, time
import pandas
began = time.process_time()
counts = [len(pandas.read_csv(sys.argv[2], parse_dates=["when"]))]
spent = time.process_time() - began
"""
TOLD = """
print(json.dumps([spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, counts]))
"""
NAMED = {
    "read": "read in chunks",
    "filter": "a month of it, by its dates",
    "half": "the smaller half of a split",
    "split": "both halves of a split",
}


def measure(quick: bool = False, rows: int | None = None) -> list[Row]:
    count = rows or (200_000 if quick else ROWS)
    found = []
    with tempfile.TemporaryDirectory(prefix="faena-bench-") as held:
        path = Path(held, "sensors.csv")
        write(path, count)
        size = path.stat().st_size / 1e9
        for what, name in NAMED.items():
            ours: list[tuple[float, float]] = []
            theirs: list[tuple[float, float]] = []
            for _ in range(1 if quick else TIMES):
                spent, memory, counted = _run(OURS, what, path)
                by_hand = _run(BY_HAND, what, path)
                assert sum(counted) == sum(by_hand[2]), (counted, by_hand[2])
                ours.append((spent, memory))
                theirs.append(by_hand[:2])
            value, rival = (statistics.median(each for each, _ in some) for some in (ours, theirs))
            memory, their_memory = (max(each for _, each in some) for some in (ours, theirs))
            title = f"CSV of {size:.2g} GB, {count:,} rows: {name}"
            note = "two passes, by hand one" if what == "split" else ""
            beside, budget = "pandas by chunks", f"≤ {BUDGET_RATIO} x pandas"
            holds = value <= BUDGET_RATIO * rival
            found.append(Row(title, budget, value, "s CPU", beside, rival, holds, note))
            said = f"memory: {name}"
            found.append(at_most(said, memory, BUDGET_MB, "MB", rival=beside, rival_value=their_memory))
        found += _beside_whole(found[0], found[1], path)
    return found


def _beside_whole(read: Row, memory: Row, path: Path) -> list[Row]:
    """What reading in chunks spares who would read the whole file."""
    spent, whole_memory, _ = _run(WHOLE, "read", path)
    beside = "pandas, whole"
    return [
        Row("read in chunks, and whole", "", read.value, "s CPU", beside, spent),
        Row("memory: in chunks, and whole", "", memory.value, "MB", beside, whole_memory),
    ]


def write(path: Path, rows: int) -> None:
    """Numbers, dates, texts, truth values and empty fields, a row each 15 seconds from 2015 on."""
    chance = np.random.default_rng(0)
    start = np.datetime64("2015-01-01T00:00:00")
    with path.open("w") as file:
        file.write("id,when,sensor,value,flag,note\n")
        for first in range(0, rows, 100_000):
            count = min(100_000, rows - first)
            times = start + (first + np.arange(count)) * np.timedelta64(15, "s")
            dates = np.datetime_as_string(times, unit="s")
            values, flags = chance.normal(20, 5, count), chance.integers(0, 2, count)
            sensors = chance.integers(0, 1000, count)
            file.writelines(
                f"{first + n},{dates[n]},s{sensors[n]},{values[n]:.3f},{bool(flags[n])},{'measured well' * flags[n]}\n"
                for n in range(count)
            )


def _run(script: str, what: str, path: Path) -> tuple[float, float, list[int]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    told = subprocess.run(
        [sys.executable, "-c", script + TOLD, what, os.fspath(path)],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    spent, memory, counts = json.loads(told.stdout)
    return float(spent), float(memory), list(counts)


if __name__ == "__main__":
    asked = [argument for argument in sys.argv[1:] if argument.isdigit()]
    sys.argv = [argument for argument in sys.argv if argument not in asked]
    command(
        "A CSV file as a tabular dataset.", lambda quick: measure(quick, int(asked[0]) if asked else None)
    )
