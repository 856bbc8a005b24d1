"""Tables of environments, for people."""

from __future__ import annotations

from collections.abc import Sequence

import rich_click as click

from faena.cli.layout import Cell, Column, print_facts, print_table, show_time, styled
from faena.environments.schemas import BuiltView, EnvironmentView, PruneView

_SHORT = 12
_COLOURS = {"ready": "green", "failed": "red", "building": "cyan", "half-made": "yellow"}


def built(found: Sequence[BuiltView]) -> None:
    rows: list[list[str | Cell]] = [
        [
            each.digest[:_SHORT],
            Cell(each.state, _COLOURS[each.state]),
            each.python,
            str(len(each.requirements)) if each.state == "ready" else "",
            size(each.bytes_used),
            show_time(each.last_used) if each.last_used else "",
            each.held_by,
        ]
        for each in found
    ]
    numbers = [Column("Packages", right=True), Column("Size", right=True)]
    columns: list[str | Column] = [
        "Environment",
        "State",
        "Python",
        *numbers,
        "Last used",
        Column("Held by", prose=True),
    ]
    print_table(columns, rows, empty="No environments yet. The first run that needs one builds it.")
    if found:
        click.echo(styled(f"{size(sum(each.bytes_used for each in found))} in all", dim=True))


def registered(found: Sequence[EnvironmentView]) -> None:
    latest: dict[str, EnvironmentView] = {}
    for each in found:
        latest.setdefault(each.name, each)
    rows = [[each.name, str(each.version), show_time(each.created_at)] for each in latest.values()]
    print_table(["Registered", Column("Version", right=True), "At"], rows)


def contents(found: BuiltView) -> None:
    facts = {
        "Environment": found.digest,
        "State": found.state,
        "Python": found.python,
        "Size": size(found.bytes_used),
        "Last used": show_time(found.last_used) if found.last_used else "",
        "Held by": found.held_by,
        "Cause": found.cause,
    }
    print_facts(facts)
    for line in found.requirements:
        click.echo(line)


def definition(found: EnvironmentView) -> None:
    asked = found.definition.request
    version = f" {asked.framework_version}" if asked.framework_version else ""
    facts = {
        "Environment": f"{found.name}:{found.version}",
        "Registered": show_time(found.created_at),
        "Interpreter": asked.interpreter or "",
        "Python": asked.python or "",
        "Framework": f"{asked.framework}{version}" if asked.framework else "",
        "Packages": ", ".join(asked.packages),
        "Conda packages": ", ".join(asked.conda_packages),
        "From a disk": ", ".join(each.given or each.filename for each in asked.archives),
        "Indexes": ", ".join(index.url + (" (alone)" if index.default else "") for index in asked.index_urls),
        "Constraints": ", ".join(asked.pip.constraints),
        "Links": ", ".join(asked.pip.find_links),
        "Variables": ", ".join(found.definition.environment_variables),
    }
    print_facts(facts)


def pruned(done: PruneView, *, dry_run: bool) -> None:
    for each in done.removed:
        what = "would be removed" if dry_run else "removed"
        click.echo(f"{each.digest[:_SHORT]} {what}: {size(each.bytes_used)}")
    for each in done.kept:
        click.echo(styled(f"{each.digest[:_SHORT]} stays: {each.held_by} has it", "yellow"))
    verb = "would be freed" if dry_run else "freed"
    click.echo(f"{size(done.bytes_freed)} {verb}")


def size(count: int) -> str:
    """`1.2 GB`, by powers of 1000."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
