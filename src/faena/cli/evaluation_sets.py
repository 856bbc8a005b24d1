"""Commands about evaluation sets."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, opened, print_json

_LONGEST = 200


@command("evaluation-sets")
@click.option("--experiment", help="Those for this experiment only.")
@json_option
def evaluation_sets(experiment: str | None, as_json: bool) -> None:
    """List evaluation sets, the latest first: questions, and what is expected of their answers."""
    from faena.client.traces.evaluation_set import EvaluationSet

    found = [each.view for each in EvaluationSet.list(opened(), experiment)]
    if as_json:
        print_json(found)
        return
    from faena.cli.layout import Column, print_table, show_time

    rows = [
        [each.name, f"{each.size:,}", ", ".join(each.experiments), show_time(each.changed_at), each.id]
        for each in found
    ]
    columns: list[str | Column] = ["Name", Column("Records", right=True), "Experiments", "Changed", "Id"]
    none = "No evaluation sets" + (
        " of this experiment." if experiment else " yet. docs/traces.md says how they are made."
    )
    print_table(columns, rows, empty=none)


@command("evaluation-set")
@click.argument("name", metavar="NAME|ID")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Records at most.")
@json_option
def evaluation_set(name: str, limit: int, as_json: bool) -> None:
    """Show an evaluation set and its first records."""
    from faena.client.traces.evaluation_set import EvaluationSet

    current = opened()
    found = EvaluationSet(current, name).view
    page = current.api.evaluation_sets.records_page(found.id, limit=limit)
    if as_json:
        print_json({**msgspec.to_builtins(found), "records": msgspec.to_builtins(page.records)})
    else:
        from faena.cli.layout import Column, harmless, print_facts, print_table, show_time, styled

        click.echo(f"{styled(harmless(found.name), bold=True)}  {found.id}")
        print_facts(
            {
                "Records": f"{found.size:,}",
                "Experiments": ", ".join(found.experiments),
                "Made": f"{show_time(found.created_at)}{f' by {found.created_by}' if found.created_by else ''}",
                "Tags": ", ".join(f"{key}={value}" for key, value in found.tags.items()),
            }
        )
        titles = ("Inputs", "Expected", "Outputs")
        rows = [[_text(each.inputs), _text(each.expectations), _text(each.outputs)] for each in page.records]
        print_table([Column(title, prose=True) for title in titles], rows)
    if page.total > len(page.records):
        click.echo(f"These are {len(page.records)} of {page.total:,}: --limit.", err=True)


@command("delete-evaluation-set")
@click.argument("name", metavar="NAME|ID")
def delete_evaluation_set(name: str) -> None:
    """Delete an evaluation set for good, with its records."""
    from faena.cli.layout import harmless
    from faena.client.traces.evaluation_set import EvaluationSet

    found = EvaluationSet(opened(), name)
    found.delete()
    click.echo(f"{harmless(found.name)} ({found.id}) is deleted.")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        told = ", ".join(f"{key}: {_text(each)}" for key, each in value.items())
    else:
        told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"


COMMANDS = (evaluation_sets, evaluation_set, delete_evaluation_set)
