"""Connections to PostgreSQL: how they are made, and what they are told at first."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.postgresql.psycopg import PGCompiler_psycopg
from sqlalchemy.pool import NullPool, QueuePool
from sqlalchemy.types import TypeEngine

from faena.db.hearing import KEEPALIVES
from faena.db.hosts import several_hosts
from faena.kernel.errors import WorkspaceException

_DRIVER = "postgresql+psycopg"
_CONNECTED = {
    **KEEPALIVES,
    "tcp_user_timeout": 10_000,
    "client_encoding": "utf8",
    "connect_timeout": 10,
}
"""How it is connected to: a host that is gone, and cannot say so, is known to be in about ten seconds."""


def parsed(url: str) -> sa.URL:
    """Raises WorkspaceException."""
    try:
        found = sa.make_url(several_hosts(url))
    except (sa.exc.ArgumentError, ValueError):
        raise WorkspaceException(
            "The database's URL cannot be read. Use postgresql://user@host/database."
        ) from None
    if found.get_backend_name() != "postgresql":
        shown = found.render_as_string(hide_password=True)
        raise WorkspaceException(
            f"{shown} is no database of PostgreSQL. Use postgresql://user@host/database."
        )
    return found.set(drivername=_DRIVER)


def pooled(url: sa.URL, size: int, options: str) -> sa.Engine:
    """Transactions are ours to begin: what begins them says more in the same message."""
    from faena.db import pipelining

    engine = sa.create_engine(
        url,
        poolclass=QueuePool,
        pool_size=size,
        pool_use_lifo=True,  # one that is used again has its statements prepared
        isolation_level="AUTOCOMMIT",
        connect_args={
            **_CONNECTED,
            "prepare_threshold": None,  # what is prepared is not the driver's
            "cursor_factory": pipelining.Cursor,
            "options": options,
        },
    )
    engine.dialect.statement_compiler = _Compiler
    event.listen(engine, "connect", configure)
    return engine


def apart(url: sa.URL) -> sa.Engine:
    """For a connection besides those that are there, and good for nothing any more."""
    return sa.create_engine(url, poolclass=NullPool, connect_args={**_CONNECTED, "connect_timeout": 5})


def reading_at_once(url: str) -> sa.Engine:
    """For connections that see one moment and change nothing, as long as they are open. Raises WorkspaceException."""
    return sa.create_engine(
        parsed(url),
        poolclass=NullPool,
        isolation_level="REPEATABLE READ",
        connect_args={
            "options": "-c default_transaction_read_only=on",
            "application_name": "faena backup",
            "client_encoding": "utf8",
            "connect_timeout": 10,
        },
    )


class _Compiler(PGCompiler_psycopg):
    """Names the type of a parameter without the collation of its column, which BETWEEN for one does not take."""

    def render_bind_cast(self, type_: TypeEngine[Any], dbapi_type: TypeEngine[Any], sqltext: str) -> str:
        if getattr(dbapi_type, "collation", None):
            return f"{sqltext}::TEXT"
        return super().render_bind_cast(type_, dbapi_type, sqltext)  # type: ignore[no-any-return, no-untyped-call]  # of SQLAlchemy


def configure(connection: Any, _: object) -> None:
    """Have a connection of the driver send what our statements are given."""
    from psycopg.adapt import PyFormat
    from psycopg.types.numeric import Int8

    from faena.db import pipelining

    adapters = connection.adapters
    # else whole numbers of other sizes are of other types
    adapters.register_dumper(int, adapters.get_dumper(Int8, PyFormat.BINARY))
    connection.server_cursor_factory = pipelining.ServerCursor
    pipelining.begin(connection)
