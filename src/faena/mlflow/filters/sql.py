"""What clauses mean for a column of text or numbers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from faena.db import like, like_exactly
from faena.mlflow.errors import MlflowError
from faena.mlflow.filters.language import LISTS, NULLS, ORDERS, TEXTS, Clause

_LONGEST_PATTERN = 256
"""Characters: SQLite compares each letter of a pattern with each of a text."""


def text(
    clause: Clause, column: sa.ColumnElement[Any], *, lists: bool = False, what: str = "attributes"
) -> sa.ColumnElement[bool]:
    """Raises MlflowError for an operator or a value that text has not."""
    allowed = (*TEXTS, *(LISTS if lists else ()))
    check_operator(clause, allowed)
    for value in clause.values:
        if not value.is_text:
            raise MlflowError(
                f"Expected a quoted string value for {what} (e.g. 'my-value'). Got value {value.text} for "
                f"{clause.shown!r}."
            )
    given = [value.text for value in clause.values]
    match clause.operator:
        case "=":
            return column == given[0]
        case "!=":
            return column != given[0]
        case "IN":
            return column.in_(given)
        case "NOT IN":
            return column.not_in(given)
    if len(given[0]) > _LONGEST_PATTERN:
        raise MlflowError(f"A pattern has at most {_LONGEST_PATTERN} characters.")
    if clause.operator == "ILIKE":
        return like(column, given[0])
    return like_exactly(column, given[0])


def number(
    clause: Clause, column: sa.ColumnElement[Any], *, what: str = "numeric attribute"
) -> sa.ColumnElement[bool]:
    """Raises MlflowError for an operator or a value that numbers have not."""
    check_operator(clause, ORDERS)
    value = clause.values[0]
    try:
        given = float(value.text)
    except ValueError:
        given = None
    if value.is_text or given is None:
        of = what if what == "metric" else f"{what}: {clause.key.name}"
        raise MlflowError(f"Expected numeric value type for {of}. Found {value.text!r}")
    match clause.operator:
        case "=":
            return column == given
        case "!=":
            return column != given
        case "<":
            return column < given
        case "<=":
            return column <= given
        case ">":
            return column > given
    return column >= given


def is_null(clause: Clause) -> bool | None:
    """Whether it asks for what has no value; None: it asks something else."""
    return clause.operator == "IS NULL" if clause.operator in NULLS else None


def check_operator(clause: Clause, allowed: tuple[str, ...]) -> None:
    if clause.operator in NULLS:
        raise MlflowError(
            f"IS NULL / IS NOT NULL is only supported for tags and params, not for {clause.shown!r}."
        )
    if clause.operator not in allowed:
        raise MlflowError(
            f"Invalid comparator {clause.operator!r} for {clause.shown!r}: use one of {', '.join(allowed)}."
        )
