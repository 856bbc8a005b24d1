"""Constraints of a space, such as `batch * layers <= 4096`: parsed by us, never evaluated. No I/O.

A name is a parameter's, without dashes before it or with them; `batch_size` is also batch-size, and `` `a/b` `` is one
that has other letters. A flag is True where it is given, False where it is not.

A comparison with a parameter that is not there, because it belongs to another option, does not apply, nor does its
opposite. What cannot be computed (a division by zero, a text times a number) is not allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct

from faena.kernel.errors import UserErrorException
from faena.sweeps.arguments import shown
from faena.sweeps.constraint_arithmetic import Decide, Impossible, Known
from faena.sweeps.constraint_grammar import Parser

MOST = 100
"""Constraints of a space."""


class Constraint(Struct, frozen=True):
    text: str
    names: frozenset[str]
    """The parameters that it is about, without dashes."""
    _decide: Decide

    def allows(self, known: Known) -> bool:
        try:
            return self._decide(known) is not False
        except (Impossible, ArithmeticError):
            return False


def parse_all(texts: Sequence[str], names: Collection[str]) -> tuple[Constraint, ...]:
    """Raises UserErrorException that points at the place."""
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise UserErrorException(
            f"constraints is {shown(texts)}. Give a list of texts, such as ['batch * layers <= 4096']."
        )
    if len(texts) > MOST:
        raise UserErrorException(f"There are {len(texts):,} constraints. Give {MOST} at most.")
    return tuple(parse(text, names) for text in texts)


def parse(text: str, names: Collection[str]) -> Constraint:
    """`names`: the parameters of the space, without dashes. Raises UserErrorException that points at the place."""
    if not isinstance(text, str):
        raise UserErrorException(
            f"A constraint is {shown(text)}. Give a text, such as 'batch * layers <= 4096'."
        )
    decide, about = Parser(text, names).whole()
    return Constraint(text, about, decide)
