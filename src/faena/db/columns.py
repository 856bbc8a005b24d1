"""Types of columns that hold and compare the same values on SQLite and on PostgreSQL.

What one of them would refuse, or take for something else, is so on neither. A NUL or half of a character in a text
becomes U+FFFD, so that what a script or a log says is never refused for it; a text longer than its column and a
whole number beyond 64 bits are errors of ours. Texts compare by code point (PostgreSQL: collation "C").
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.types import TypeEngine

from faena.kernel.errors import UserErrorException

POSTGRESQL = "postgresql"
_SHOWN = 80


class Unstorable(UserErrorException, DontWrapMixin):
    """A value that a database does not take."""

    @property
    def code(self) -> str:
        return UserErrorException.__name__


class Text(sa.TypeDecorator[str]):
    """A text of any length."""

    impl: type[TypeEngine[Any]] = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(sa.Text(collation="C") if dialect.name == POSTGRESQL else sa.Text())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else clean(value)

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        return _text if isinstance(value, str) else self


class String(Text):
    """A text of `length` characters at most; it may be compared with longer ones."""

    impl = sa.String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        collation = "C" if dialect.name == POSTGRESQL else None
        return dialect.type_descriptor(sa.String(self.length, collation=collation))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and len(value) > self.length:
            raise Unstorable(
                f"The text {_shown(value)} has {len(value):,} characters; there is room for {self.length}. Shorten it."
            )
        return super().process_bind_param(value, dialect)


class BigInteger(sa.TypeDecorator[int]):
    """A whole number of 64 bits."""

    impl: type[TypeEngine[Any]] = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        if value is not None and not -(2**63) <= value < 2**63:
            raise beyond_64_bits()
        return value

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        return _double if isinstance(value, float) else self


class Integer(BigInteger):
    """The same, as SQLite spells it for keys that count up."""

    impl = sa.Integer
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(sa.BigInteger() if dialect.name == POSTGRESQL else sa.Integer())


_text = Text()
_double: sa.Double[float] = sa.Double()


def beyond_64_bits() -> Unstorable:
    return Unstorable("A whole number is beyond 64 bits. Use one from -2^63 to 2^63-1.")


def clean(value: str) -> str:
    """The text with U+FFFD for what no database takes."""
    if "\0" in value:
        value = value.replace("\0", "\ufffd")
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _shown(value: str) -> str:
    return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…")
