"""Rows of results: a figure, its budget and its rival; how they are printed and handed to `benchmarks.all`.

    python -m benchmarks.rows NAME FILE [--quick]

writes what `benchmarks.NAME.measure()` gives to FILE, as JSON. `benchmarks.all` calls it so: each benchmark has a
process of its own, and one that fails does not take the others along.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """`value` and `rival_value` in `unit`; `rival_value` only if it was measured in the same run.

    `holds` None: no budget. `note`: spread, other comparisons, and published figures, which give no ratio.
    """

    name: str
    budget: str
    value: float
    unit: str
    rival: str = ""
    rival_value: float | None = None
    holds: bool | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours divided by the rival's, whether high or low is better."""
        return self.value / self.rival_value if self.rival_value else None


def at_most(
    name: str,
    value: float,
    limit: float,
    unit: str,
    *,
    judged: float | None = None,
    rival: str = "",
    rival_value: float | None = None,
    note: str = "",
) -> Row:
    """A row that holds while `judged` (default: `value`) does not exceed `limit`."""
    holds = (value if judged is None else judged) <= limit
    return Row(name, f"≤ {limit:,g} {unit}", value, unit, rival, rival_value, holds, note)


def at_least(
    name: str,
    value: float,
    limit: float,
    unit: str,
    *,
    rival: str = "",
    rival_value: float | None = None,
    note: str = "",
) -> Row:
    return Row(name, f"≥ {limit:,g} {unit}", value, unit, rival, rival_value, value >= limit, note)


def cells(row: Row) -> tuple[str, str, str, str, str, str, str]:
    """Row, budget, faena, rival, ratio, holds, note; empty where there is nothing."""
    rival = row.rival if row.rival_value is None else f"{row.rival} {amount(row.rival_value, row.unit)}"
    ratio = "" if row.ratio is None else f"{row.ratio:.2g}"
    holds = {True: "yes", False: "NO", None: ""}[row.holds]
    return row.name, row.budget, amount(row.value, row.unit), rival, ratio, holds, row.note


def amount(value: float, unit: str) -> str:
    """Three digits that count, whole numbers from 100 on."""
    return f"{value:,.0f} {unit}" if abs(value) >= 100 else f"{value:.3g} {unit}"


def show(title: str, rows: Sequence[Row]) -> None:
    print(f"\n{title} (load {os.getloadavg()[0]:.2f})")
    for row in rows:
        name, budget, value, rival, ratio, holds, note = cells(row)
        print(f"  {name:<50} {value:>18}  {budget:<22} {holds:<4} {rival:<34} {ratio:<8} {note}")


def command(title: str, measure: Callable[[bool], list[Row]]) -> None:
    """The command line of a benchmark that has no options of its own."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--quick", action="store_true", help="few repetitions: to try the benchmark itself")
    show(title, measure(parser.parse_args().quick))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the rows of one benchmark to a file.")
    parser.add_argument("name")
    parser.add_argument("file", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    rows: list[Row] = importlib.import_module(f"benchmarks.{options.name}").measure(options.quick)
    options.file.write_text(json.dumps([asdict(row) for row in rows]))


if __name__ == "__main__":
    main()
