"""Tables of a database whose columns differ from one version of a schema to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faena.client.mlflow_stores.connections import Connection


class Tables:
    """Rows of tables as dictionaries, with the columns that there are; a column that is not there is None."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.known = connection.tables()

    def rows(
        self, table: str, columns: Sequence[str], where: str = "", given: Sequence[Any] = ()
    ) -> list[dict[str, Any]]:
        """None where there is no such table. `where`: of columns that every version has."""
        there = [column for column in columns if column in self.known.get(table, ())]
        if not there:
            return []
        names = ", ".join(f'"{column}"' for column in there)
        statement = f"SELECT {names} FROM {table}{' WHERE ' if where else ''}{where}"
        found = self.connection.rows(statement, given)
        lacking = dict.fromkeys(columns)
        return [{**lacking, **dict(zip(there, row, strict=True))} for row in found]

    def count(self, table: str) -> int:
        return int(self.connection.rows(f"SELECT count(*) FROM {table}")[0][0]) if table in self.known else 0
