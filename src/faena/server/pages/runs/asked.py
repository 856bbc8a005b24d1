"""What the address of the table of runs asks for. No I/O."""

from __future__ import annotations

from msgspec import Struct

from faena.server.pages.rendering import with_query

PATH = "/ui/runs"
ROWS = (50, 100, 200)


class Asked(Struct, frozen=True):
    filter: str = ""
    sort: str = ""
    after: str = ""
    experiment: str = ""
    children: bool = False
    columns: str = ""
    """Fields with commas between; empty: those that most runs have."""
    group: str = ""
    """The field by whose value the rows of a page stand together."""
    rows: int = ROWS[0]

    def address(self) -> str:
        return with_query(
            PATH,
            {
                "filter": self.filter,
                "sort": self.sort,
                "experiment": self.experiment,
                "children": "true" if self.children else None,
                "columns": self.columns,
                "group": self.group,
                "rows": str(self.rows) if self.rows != ROWS[0] else None,
                "after": self.after,
            },
        )
