"""`faena doctor`: what is well with this machine and the workspace, what is not, and what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from faena.cli.command import command
from faena.cli.common import given_workspace, json_option, print_json
from faena.cli.layout import styled, wrapped
from faena.kernel.plural import counted

if TYPE_CHECKING:
    from faena.health.finding import Finding

_STATES = {"ok": "green", "warning": "yellow", "problem": "red"}


@command()
@click.option(
    "--fix",
    "wants_fix",
    is_flag=True,
    help="Remove stale sockets, locks and temporary files, of all your workspaces.",
)
@click.option("--deep", is_flag=True, help="Read every object again, and the whole database.")
@click.option(
    "--sample", type=click.IntRange(min=0), default=64, show_default=True, help="Objects that are read again."
)
@json_option
def doctor(wants_fix: bool, deep: bool, sample: int, as_json: bool) -> None:
    """Check this machine and the workspace around. Needs no server and starts none; exit code 1: a problem."""
    from faena.health.examination import examine
    from faena.health.finding import State
    from faena.health.fix import fix
    from faena.health.subject import Subject, find_folder

    subject = Subject(find_folder(_start()), deep=deep, sample=sample)
    fixed = list(fix(subject)) if wants_fix else []
    found: list[tuple[str, Finding]] = []
    for group, finding in examine(subject):
        if not as_json:
            _show(group, finding, is_first=not found or found[-1][0] != group)
        found.append((group, finding))
    count = {state: sum(finding.state is state for _, finding in found) for state in State}
    if as_json:
        print_json(_as_json(found, fixed, count[State.PROBLEM], count[State.WARNING]))
    else:
        _conclude(fixed, count[State.PROBLEM], count[State.WARNING])
    sys.exit(1 if count[State.PROBLEM] else 0)


def _start() -> Path:
    """Where the workspace is looked for: it may be too damaged to be opened."""
    given = given_workspace()
    if given and "/" not in given and not Path(given).exists():
        from faena.workspaces import listing

        return listing.find(given).path
    return Path(given or "")


def _show(group: str, finding: Finding, *, is_first: bool) -> None:
    if is_first:
        click.echo(styled(group, bold=True))
    start = f"  {finding.state:<8} "
    lines = wrapped(f"{finding.name}: {finding.found}", len(start))
    click.echo(styled(start, _STATES[finding.state]) + lines[0])
    for line in lines[1:]:
        click.echo(" " * len(start) + line)
    if finding.remedy:
        first, *rest = wrapped(finding.remedy, len(start) + 3)
        click.echo(" " * len(start) + styled("-> ", bold=True) + first)
        for line in rest:
            click.echo(" " * (len(start) + 3) + line)


def _conclude(fixed: Iterable[str], problems: int, warnings: int) -> None:
    for line in fixed:
        click.echo(f"Fixed: {line}.")
    click.echo(f"{_count(problems, 'problem')}, {_count(warnings, 'warning')}.")


def _count(number: int, what: str) -> str:
    return counted(number, what) if number else f"no {what}s"


def _as_json(
    found: list[tuple[str, Finding]], fixed: list[str], problems: int, warnings: int
) -> dict[str, Any]:
    checks = [
        {"group": group, "name": each.name, "state": each.state, "found": each.found, "remedy": each.remedy}
        for group, each in found
    ]
    return {"problems": problems, "warnings": warnings, "fixed": fixed, "checks": checks}


COMMANDS = (doctor,)
