"""Statements with a list of values: prepared for few lengths, so that a list of any length is found in few of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors
from sqlalchemy.sql.operators import in_op, not_in_op

from faena.db.columns import Text
from faena.db.parameters import Parameters
from faena.db.prepared import Prepared
from faena.db.transactions import Read

MOST = 512
"""Values of one list: below every database's limit of parameters, were there a few such lists."""

Places = Sequence[sa.BindParameter[Any]]


def prepared_for(make: Callable[..., sa.Select[Any]]) -> Callable[..., Prepared]:
    """Of a function of lists of parameters, for `in_`: the statement for lists of so many values, made once."""

    @cache
    def of(*sizes: int) -> Prepared:
        lists: list[Places] = [
            [sa.bindparam(_name(number, place)) for place in range(size)] for number, size in enumerate(sizes)
        ]
        return Prepared(_typed(make(*lists)))

    return of


def _typed(statement: sa.Select[Any]) -> sa.Select[Any]:
    """Its values are of the type of what they are compared with, which SQLAlchemy does not find out here."""
    for part in visitors.iterate(statement):
        if isinstance(part, sa.BinaryExpression) and part.operator in (in_op, not_in_op):
            kind = Text() if isinstance(part.left.type, Text) else part.left.type
            for value in visitors.iterate(part.right):
                if isinstance(value, sa.BindParameter):
                    value.type = kind
    return statement


def execute(
    read: Read, of: Callable[..., Prepared], *lists: Sequence[Any], given: Parameters | None = None
) -> Iterator[Any]:
    """The rows for all values of all lists, as if each were whole; they are ordered within a part only.

    `given`: the statement's other parameters.
    """
    for statement, values in _statements(of, lists, given or {}):
        yield from read.execute(statement, values)


def ask(
    read: Read, of: Callable[..., Prepared], *lists: Sequence[Any], given: Parameters | None = None
) -> Iterator[Any]:
    """As `execute`, and as `Read.ask`: all is asked at once, the rows are read later."""
    asked = [read.ask(statement, values) for statement, values in _statements(of, lists, given or {})]
    return chain.from_iterable(asked)


def _statements(
    of: Callable[..., Prepared], lists: Sequence[Sequence[Any]], given: Parameters
) -> Iterator[tuple[Prepared, Parameters]]:
    for parts in _parts(lists):
        values = dict(given)
        for number, part in enumerate(parts):
            values |= {_name(number, place): value for place, value in enumerate(part)}
        yield of(*map(len, parts)), values


def _parts(lists: Sequence[Sequence[Any]]) -> Iterator[list[list[Any]]]:
    if not lists:
        yield []
        return
    for part in filled(lists[0]):
        for rest in _parts(lists[1:]):
            yield [part, *rest]


def filled(values: Sequence[Any], most: int = MOST) -> Iterator[list[Any]]:
    """Parts of few lengths: the last value fills up."""
    for start in range(0, len(values), most):
        part = list(values[start : start + most])
        size = min(1 << (len(part) - 1).bit_length(), most)
        yield part + part[-1:] * (size - len(part))


def _name(number: int, place: int) -> str:
    return f"list{number}_{place}"
