"""Tables of environments, for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from faena.cli.layout import new_table, print_table, show_time
from faena.environments.schemas import BuiltView, EnvironmentView, PruneView

_SHORT = 12
_COLOURS = {"ready": "green", "failed": "red", "building": "cyan", "half-made": "yellow"}


def built(found: Sequence[BuiltView]) -> None:
    shown = new_table("Environment", "State", "Python", "Packages", "Size", "Last used", "Held by")
    for each in found:
        shown.add_row(
            Text(each.digest[:_SHORT]),
            Text(each.state, _COLOURS[each.state]),
            Text(each.python),
            str(len(each.requirements)) if each.state == "ready" else "",
            size(each.bytes_used),
            show_time(each.last_used) if each.last_used else "",
            Text(each.held_by),
        )
    print_table(shown, empty="No environments yet. The first run that needs one builds it.", rows=len(found))
    if found:
        Console().print(f"{size(sum(each.bytes_used for each in found))} in all", style="dim")


def registered(found: Sequence[EnvironmentView]) -> None:
    if not found:
        return
    shown = new_table("Registered", "Version", "At")
    latest: dict[str, EnvironmentView] = {}
    for each in found:
        latest.setdefault(each.name, each)
    for each in latest.values():
        shown.add_row(Text(each.name), str(each.version), show_time(each.created_at))
    Console().print(shown)


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
    _facts(facts)
    for line in found.requirements:
        Console().print(Text(line), soft_wrap=True)


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
        "Indexes": ", ".join(index.url for index in asked.index_urls),
        "Variables": ", ".join(found.definition.environment_variables),
    }
    _facts(facts)


def pruned(done: PruneView, *, dry_run: bool) -> None:
    console = Console()
    for each in done.removed:
        what = "would be removed" if dry_run else "removed"
        console.print(Text(f"{each.digest[:_SHORT]} {what}: {size(each.bytes_used)}"))
    for each in done.kept:
        console.print(Text(f"{each.digest[:_SHORT]} stays: {each.held_by} has it", "yellow"))
    verb = "would be freed" if dry_run else "freed"
    console.print(f"{size(done.bytes_freed)} {verb}")


def size(count: int) -> str:
    """`1.2 GB`, by powers of 1000."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"


def _facts(facts: dict[str, str]) -> None:
    shown = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        if value:
            shown.add_row(Text(name, "dim"), Text(value))
    Console().print(shown)
