"""How tables look: their columns, their times, what stands where there is nothing."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console
from rich.table import Table


def new_table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def print_table(table: Table, *, empty: str, rows: int) -> None:
    Console().print(table if rows else empty)


def show_time(at: int) -> str:
    return datetime.fromtimestamp(at / 1e6).astimezone().strftime("%m-%d %H:%M:%S")
