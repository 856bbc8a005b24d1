"""Which version the tables of a database have, whichever keeps it."""

from __future__ import annotations

from faena.health.finding import Finding, ok, problem, warning
from faena.kernel.settings import SCHEMA_VERSION


def schema_finding(found: int | None) -> Finding:
    """`found`: what the database says; None: nothing."""
    if found is None:
        return warning("schema", "the database says no version", "faena runs: the server makes its tables")
    if found > SCHEMA_VERSION:
        said = f"version {found}; this Faena reads {SCHEMA_VERSION}"
        return problem("schema", said, "install the Faena that wrote it, or a newer one")
    if found < SCHEMA_VERSION:
        return ok("schema", f"version {found}; the server brings it to {SCHEMA_VERSION} when it starts")
    return ok("schema", f"version {found}")
