"""The coverage table: what of v1's names, as public scripts used them, is covered here.

    python -m faena_azureml.coverage docs/coverage.md

Each line of `data/frequency.tsv` (kind, name, uses, files that use it) is looked for in the code itself. What is there
but lacks something is in `data/partly.tsv`; what is not there has its reason in `data/not-covered.tsv`.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from faena_azureml.lookup import Found, find

_DATA = Path(__file__).with_name("data")
State = Literal["covered", "partly", "not"]
_STATES: tuple[State, ...] = ("covered", "partly", "not")

_ELSEWHERE = {
    "pipelines": (
        "pipelines, steps that Azure starts one after another",
        "outputs that become data sets, in pipelines",
        "parameters of pipelines",
        "steps of pipelines",
    ),
    "automated ML": ("automated machine learning, a service of Azure",),
    "FPGAs": ("models on FPGAs of Azure",),
    "Spark": (
        "libraries of Spark",
        "outputs of Spark steps",
        "files on Spark's own file system",
        "settings of Spark",
    ),
    "services of Azure": (
        "data sets that Azure hosts",
        "monitoring data for drift, a service of Azure",
        "tokens of Azure",
        "machines that Azure rents or that are attached to a cloud workspace",
    ),
}
"""What is no part of this, and the reasons that say so."""

_HEAD = """# What of the v1 SDK is covered

Made by `make coverage-table` from the code; do not edit. The names are those that public scripts and notebooks of
2019 to 2022 used, with how often (uses) and in how many files. *Partly*: the note says what is missing. *Not*: using
the name raises `faena_azureml.NotCovered`, or an AttributeError where it is a detail of something that is not there.
"""


class Row(NamedTuple):
    """`uses`: how often public files use it; `files`: how many do. `note`: what is missing, or why not."""

    kind: str
    name: str
    uses: int
    files: int
    state: State
    note: str


def rows() -> Iterator[Row]:
    """All names, those that most files use first."""
    partly = _partly()
    for line in _read("frequency.tsv"):
        kind, name = line["kind"], line["name"]
        found = find(kind, name)
        state, note = _state(found, partly.get(name))
        yield Row(kind, name, int(line["uses"]), int(line["files"]), state, note)


def _state(found: Found, missing: str | None) -> tuple[State, str]:
    if not found.there:
        return "not", found.reason
    return ("covered", "") if missing is None else ("partly", missing)


def table(found: Iterable[Row]) -> str:
    """The page in Markdown."""
    listed = list(found)
    return "\n".join([_HEAD, *_totals(listed), *_reasons(listed), *_names(listed), ""])


def _totals(listed: list[Row]) -> Iterator[str]:
    yield "| | names | uses | share of uses |"
    yield "|---|---:|---:|---:|"
    whole = sum(row.uses for row in listed)
    for state in _STATES:
        these = [row for row in listed if row.state == state]
        uses = sum(row.uses for row in these)
        yield f"| {state} | {len(these)} | {uses} | {uses / whole:.1%} |"
    yield f"| altogether | {len(listed)} | {whole} | |"
    yield ""
    yield from _outside(listed)


def _outside(listed: list[Row]) -> Iterator[str]:
    """The shares where what is no part of this is not counted."""
    excluded = {reason for reasons in _ELSEWHERE.values() for reason in reasons}
    meant = [row for row in listed if row.note not in excluded]
    whole, there = (
        sum(row.uses for row in meant if row.state in states) for states in (_STATES, ("covered", "partly"))
    )
    half = sum(row.uses for row in meant if row.state == "partly")
    yield f"Without {', '.join(_ELSEWHERE)}: {there / whole:.1%} of {whole} uses, of which {half / whole:.1%} partly."
    yield ""


def _reasons(listed: list[Row]) -> Iterator[str]:
    yield "## Why not"
    yield ""
    yield "| what it is | names | uses |"
    yield "|---|---:|---:|"
    missing = [row for row in listed if row.state == "not"]
    uses = Counter[str]()
    for row in missing:
        uses[row.note] += row.uses
    for reason, count in sorted(uses.items(), key=lambda pair: (-pair[1], pair[0])):
        yield f"| {reason} | {sum(row.note == reason for row in missing)} | {count} |"
    yield ""


def _names(listed: list[Row]) -> Iterator[str]:
    yield "## Name by name"
    yield ""
    yield "| name | kind | uses | files | | |"
    yield "|---|---|---:|---:|---|---|"
    for row in listed:
        yield f"| `{row.name}` | {row.kind} | {row.uses} | {row.files} | {row.state} | {row.note} |"


@cache
def _partly() -> dict[str, str]:
    return {line["name"]: line["missing"] for line in _read("partly.tsv")}


def _read(name: str) -> list[dict[str, str]]:
    with (_DATA / name).open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


if __name__ == "__main__":
    page = table(rows())
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(page)
    else:
        sys.stdout.write(page)
