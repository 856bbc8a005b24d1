"""The tables of all features are what both kinds of databases keep alike."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from faena.db import BigInteger, Integer, String, Text, metadata
from faena.db.schema import say_conditions
from faena.server import app as _app  # noqa: F401  its features add their tables to the schema

TABLES = [pytest.param(table, id=table.name) for table in metadata.sorted_tables]
KEPT_AS_THEY_ARE = (sa.LargeBinary, sa.Boolean, sa.Double, sa.Float)


@pytest.mark.parametrize("table", TABLES)
def test_texts_and_numbers_are_of_our_types(table: sa.Table) -> None:
    for column in table.c:
        assert isinstance(column.type, (Text, String, Integer, BigInteger, *KEPT_AS_THEY_ARE)), column


@pytest.mark.parametrize("table", TABLES)
def test_constraints_and_indexes_have_names(table: sa.Table) -> None:
    assert all(getattr(each, "name", None) for each in (*table.constraints, *table.indexes))


@pytest.mark.parametrize("table", TABLES)
def test_indexes_are_of_the_same_rows(table: sa.Table) -> None:
    say_conditions()  # as before tables are made in PostgreSQL
    for index in table.indexes:
        conditions = {name: index.dialect_options[name]["where"] for name in ("sqlite", "postgresql")}
        assert conditions["sqlite"] is conditions["postgresql"], f"{index.name} is no partial_index"


@pytest.mark.parametrize("table", TABLES)
def test_texts_compare_by_code_point_and_numbers_have_64_bits(table: sa.Table) -> None:
    # the dialect is made without its driver, which not everybody has
    lines = str(CreateTable(table).compile(dialect=postgresql.dialect())).splitlines()  # type: ignore[no-untyped-call]  # of SQLAlchemy
    for line in lines:
        kind = line.strip().partition(" ")[2]
        if kind.startswith(("VARCHAR", "TEXT")):
            assert 'COLLATE "C"' in line, line
        assert not kind.startswith(("INTEGER", "SERIAL", "SMALLINT")), line
