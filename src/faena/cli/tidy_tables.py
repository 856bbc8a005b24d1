"""Tables of deletions, rules and disk use, for people."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

import rich_click as click

from faena.cli.env_tables import size
from faena.cli.layout import Column, print_prose, print_table, show_time, styled
from faena.kernel.plural import counted
from faena.tidying.schemas import (
    AnyRule,
    Applied,
    CollectionView,
    DeletionView,
    KeepAudit,
    KeepBest,
    KeepEnvironments,
    KeepOfLog,
    RuleView,
    ShareView,
    UsageView,
)


def deleted(done: DeletionView) -> None:
    if done.nothing:
        click.echo("Nothing matches: nothing is deleted.")
        return
    verb = "Deleted" if done.id else "Would be deleted"
    print_prose(f"{verb}: {done.what}")
    if count := len(done.given_to):
        shown = ", ".join(done.given_to[:3]) + (f" and {count - 3} more" if count > 3 else "")
        print_prose(
            f"Files of it were given to {counted(count, 'other run')}: {shown}. "
            + (
                "It cannot be run again without them, and fails if it still waits."
                if count == 1
                else "They cannot be run again without them, and those that still wait fail."
            ),
            "yellow",
        )
    freed = "will be" if done.id else "would be"
    print_prose(f"{size(done.size)} {freed} freed: nothing else refers to them")
    if done.id:
        click.echo(
            styled(f"`faena undelete {done.id}` brings it back until {show_time(done.until)}", dim=True)
        )


def deletions(found: Sequence[DeletionView]) -> None:
    rows = [
        [
            str(each.id),
            show_time(each.at),
            each.user,
            each.what,
            size(each.size),
            show_time(each.until),
        ]
        for each in found
    ]
    columns: list[str | Column] = [
        "Deletion",
        "At",
        "By",
        Column("What", prose=True),
        Column("Frees", right=True),
        "Until",
    ]
    print_table(columns, rows, empty="Nothing that could be undone.")


def tidied(applied: Sequence[Applied], collected: CollectionView, *, dry_run: bool) -> None:
    for each in applied:
        undo = f"; `faena undelete {each.deletion}` brings it back" if each.deletion else ""
        print_prose(f"{each.rule}: {each.what}, {size(each.size)}{undo}")
    for gone in collected.deletions:
        print_prose(f"deletion {gone.id}{' would be' if dry_run else ''} collected: {gone.what}")
    click.echo(f"{size(collected.size)} {'would be freed' if dry_run else 'freed'}")
    if collected.waiting:
        click.echo(
            styled(f"{size(collected.waiting)} more were put less than a day ago and go later", dim=True)
        )


def rules(found: Sequence[RuleView]) -> None:
    rows = [[each.name, _told(each.rule)] for each in found]
    empty = "No rules: everything stays. `faena keep --help` shows what there is."
    print_table(["Rule", Column("Keeps", prose=True)], rows, empty=empty)


def goes(rule: RuleView) -> None:
    """What a rule takes away when it is applied next."""
    if isinstance(rule.rule, (KeepEnvironments, KeepOfLog)):
        return
    if rule.goes is None:
        click.echo("Nothing would go now. The server applies it once a day.")
        return
    freed = f" ({size(rule.goes.size)})" if rule.goes.size or not isinstance(rule.rule, KeepAudit) else ""
    click.echo(
        f"Now it would take away {rule.goes.what}{freed}: `faena tidy --dry-run` shows it. The "
        f"server applies it once a day; `faena keep remove {quote(rule.name)}` ends that."
    )


def usage(found: UsageView) -> None:
    places = [[place.name, size(place.size), place.path] for place in found.places if place.size]
    print_table(["Place", Column("Size", right=True), "Where"], places)
    for what, shares in (
        ("Experiment", found.experiments),
        ("Largest runs", found.runs),
        ("Model", found.models),
    ):
        _shares(what, shares)
    last = f"{size(found.deleted)} in deletions that can be undone; {size(found.unneeded)} that nothing refers to"
    click.echo(styled(last, dim=True))


def _shares(what: str, shares: Sequence[ShareView]) -> None:
    if not shares:
        return
    counted = {"Experiment": "Runs", "Model": "Versions"}.get(what)
    titles = [*([counted] if counted else []), "Files", "Logs, metrics"]
    rows = []
    for share in shares:
        count = [f"{share.runs:,}"] if counted else []
        rows.append([share.name, *count, size(share.files), size(share.logs_and_metrics)])
    click.echo()
    print_table([what, *(Column(title, right=True) for title in titles)], rows)


def _told(rule: AnyRule) -> str:
    if isinstance(rule, KeepEnvironments):
        return f"{size(rule.size)} of environments on this machine"
    if isinstance(rule, KeepOfLog):
        return f"the first {size(rule.size)} of each log"
    days = counted(rule.days, "day")
    if isinstance(rule, KeepAudit):
        return f"the audit log for {days}"
    if isinstance(rule, KeepBest):
        told = f"outputs of the best {rule.best} of each experiment by {rule.by}"
        told += f", and of all for {days}" if rule.days else ""
    else:
        told = f"{'logs' if rule.__struct_config__.tag == 'logs' else 'runs'} for {days} after their end"
    scope = [f"of {rule.experiment}"] if rule.experiment else []
    scope += [f"where {rule.filter}"] if rule.filter else []
    return ", ".join([told, *scope])
