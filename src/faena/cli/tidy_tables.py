"""Tables of deletions, rules and disk use, for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from faena.cli.env_tables import size
from faena.cli.layout import new_table, print_table, show_time
from faena.tidying.schemas import (
    AnyRule,
    Applied,
    CollectionView,
    DeletionView,
    KeepBest,
    KeepEnvironments,
    KeepOfLog,
    RuleView,
    ShareView,
    UsageView,
)


def deleted(done: DeletionView) -> None:
    console = Console()
    verb = "Deleted" if done.id else "Would be deleted"
    console.print(Text(f"{verb}: {done.what}"))
    console.print(
        f"{size(done.size)} {'will be' if done.id else 'would be'} freed: nothing else refers to them"
    )
    if done.id:
        console.print(f"`faena undelete {done.id}` brings it back until {show_time(done.until)}", style="dim")


def deletions(found: Sequence[DeletionView]) -> None:
    table = new_table("Deletion", "At", "By", "What", "Frees", "Until")
    for each in found:
        table.add_row(
            str(each.id),
            show_time(each.at),
            Text(each.user),
            Text(each.what),
            size(each.size),
            show_time(each.until),
        )
    print_table(table, empty="Nothing that could be undone.", rows=len(found))


def tidied(applied: Sequence[Applied], collected: CollectionView, *, dry_run: bool) -> None:
    console = Console()
    for each in applied:
        undo = f"; `faena undelete {each.deletion}` brings it back" if each.deletion else ""
        console.print(Text(f"{each.rule}: {each.what}, {size(each.size)}{undo}"))
    for gone in collected.deletions:
        console.print(Text(f"deletion {gone.id}{' would be' if dry_run else ''} collected: {gone.what}"))
    console.print(f"{size(collected.size)} {'would be freed' if dry_run else 'freed'}")
    if collected.waiting:
        console.print(
            f"{size(collected.waiting)} more were put less than a day ago and go later", style="dim"
        )


def rules(found: Sequence[RuleView]) -> None:
    table = new_table("Rule", "Keeps")
    for each in found:
        table.add_row(Text(each.name), Text(_told(each.rule)))
    print_table(
        table, empty="No rules: everything stays. `faena keep --help` shows what there is.", rows=len(found)
    )


def usage(found: UsageView) -> None:
    table = new_table("Place", "Size", "Where")
    for place in found.places:
        if place.size:
            table.add_row(place.name, size(place.size), Text(place.path))
    Console().print(table)
    for what, shares in (
        ("Experiment", found.experiments),
        ("Largest runs", found.runs),
        ("Model", found.models),
    ):
        _shares(what, shares)
    Console().print(
        f"{size(found.deleted)} in deletions that can be undone; {size(found.unneeded)} that nothing refers to",
        style="dim",
    )


def _shares(what: str, shares: Sequence[ShareView]) -> None:
    if not shares:
        return
    counted = {"Experiment": "Runs", "Model": "Versions"}.get(what)
    table = new_table(what, *([counted] if counted else []), "Files", "Logs, metrics")
    for share in shares:
        count = [f"{share.runs:,}"] if counted else []
        table.add_row(Text(share.name), *count, size(share.files), size(share.logs_and_metrics))
    console = Console()
    console.print()
    console.print(table)


def _told(rule: AnyRule) -> str:
    if isinstance(rule, KeepEnvironments):
        return f"{size(rule.size)} of environments on this machine"
    if isinstance(rule, KeepOfLog):
        return f"the first {size(rule.size)} of each log"
    days = f"{rule.days:g} days"
    if isinstance(rule, KeepBest):
        told = f"outputs of the best {rule.best} of each experiment by {rule.by}"
        told += f", and of all for {days}" if rule.days else ""
    else:
        told = f"{'logs' if rule.__struct_config__.tag == 'logs' else 'runs'} for {days} after their end"
    scope = [f"of {rule.experiment}"] if rule.experiment else []
    scope += [f"where {rule.filter}"] if rule.filter else []
    return ", ".join([told, *scope])
