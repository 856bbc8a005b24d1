"""From the parameters that a statement is given by name to those that a driver takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from faena.db.columns import POSTGRESQL, BigInteger

Parameters = Mapping[str, Any]
Convert = Callable[[Any], Any]


def processor(kind: Any, dialect: Dialect) -> Convert | None:
    """What a column's type does to what it is given. SQLite's driver refuses numbers beyond 64 bits by itself.

    PostgreSQL's takes bytes as they are.
    """
    if isinstance(kind, sa.LargeBinary) and dialect.name == POSTGRESQL:
        return None
    if isinstance(kind, BigInteger) and dialect.name != POSTGRESQL:
        return None
    convert: Convert | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return convert


def arranging(
    converts: Mapping[str, Convert | None], own: Parameters, order: Sequence[str] | None
) -> Callable[[Parameters], Any]:
    """From named parameters to those that the driver is given: a tuple where it wants them in order.

    `own`: what the statement itself says.
    """
    fixed = {name: value if (to := converts[name]) is None else to(value) for name, value in own.items()}
    given = {name: None if name in own else convert for name, convert in converts.items()}
    names = list(order or given)
    places = [(place, convert) for place, name in enumerate(names) if (convert := given[name]) is not None]
    pick = itemgetter(*names) if len(names) > 1 else lambda found: tuple(found[name] for name in names)

    def arrange(parameters: Parameters) -> Any:
        values = pick({**fixed, **parameters} if fixed else parameters)
        if places:
            values = list(values)
            for place, convert in places:
                values[place] = convert(values[place])
        return dict(zip(given, values, strict=True)) if order is None else tuple(values)

    return arrange
