"""A workspace at a glance: what it has, with links to the pages that show all of it."""

from __future__ import annotations

from faena.client.html import tables
from faena.client.workspaces import links
from faena.client.workspaces.session import Session
from faena.kernel.plural import counted

_MOST = 10


def overview(session: Session) -> str:
    api, pages = session.api, links.Pages(session)
    experiments = [each for each in api.experiments() if each.archived_at is None]
    head = tables.facts(
        {
            "Workspace": session.name,
            "Runs": tables.link(pages.address("runs"), "all runs"),
            "Clusters": tables.link(pages.address("clusters"), _count(len(api.clusters()))),
            "Models": tables.link(pages.address("models"), _count(len(api.models.list(latest=True)))),
            "Endpoints": tables.link(pages.address("endpoints"), _count(len(api.endpoints.list()))),
            "Datasets": _count(len(api.data.datasets())),
        }
    )
    if not experiments:
        return head
    rows = [
        (
            tables.link(pages.address("runs", experiment=each.name), each.name),
            f"{each.runs:,}",
            tables.when(each.created_at),
            tables.marks(each.tags),
        )
        for each in sorted(experiments, key=lambda each: -each.created_at)[:_MOST]
    ]
    more = len(experiments) - len(rows)
    return head + tables.table(
        ("Experiment", "Runs", "Created", "Tags"),
        rows,
        f"and {counted(more, 'more experiment')}" if more > 0 else "",
    )


def _count(number: int) -> str:
    return f"{number:,}"
