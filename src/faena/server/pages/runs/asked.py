"""What the address of the table of runs asks for. No I/O."""

from __future__ import annotations

from urllib.parse import urlencode

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
    """The field by whose value runs stand together."""
    rows: int = ROWS[0]
    open: tuple[str, ...] = ()
    """Keys of groups whose rows are shown."""
    groups: int = 0
    """The place of the first group."""

    def address(self) -> str:
        address = with_query(
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
                "groups": str(self.groups) if self.groups else None,
            },
        )
        if not self.open:
            return address
        return f"{address}{'&' if '?' in address else '?'}{urlencode([('open', each) for each in self.open])}"
