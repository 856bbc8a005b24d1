"""Constraints of a space, such as `batch * layers <= 4096`: parsed by us, never evaluated. No I/O.

A name is a parameter's, without dashes before it or with them; `batch_size` is also batch-size, and `` `a/b` `` is one
that has other letters. A flag is True where it is given, False where it is not.

A comparison with a parameter that is not there, because it belongs to another option, does not apply, nor does its
opposite. What cannot be computed (a division by zero, a text times a number) is not allowed.

Who draws in a process of the user's may also have a function of theirs decide. None is ever sent to a server.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from msgspec import Struct

from faena.kernel.errors import UserErrorException
from faena.sweeps.arguments import shown
from faena.sweeps.constraint_arithmetic import Decide, Impossible, Known
from faena.sweeps.constraint_grammar import Parser

Condition = str | Callable[[dict[str, Any]], Any]
"""A text; or a function of the parameters, by their names without dashes, that says whether to try them."""
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


def parse_all(texts: Sequence[Condition], names: Collection[str]) -> tuple[Constraint, ...]:
    """Raises UserErrorException that points at the place."""
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise UserErrorException(
            f"constraints is {shown(texts)}. Give a list of texts, such as ['batch * layers <= 4096']."
        )
    if len(texts) > MOST:
        raise UserErrorException(f"There are {len(texts):,} constraints. Give {MOST} at most.")
    return tuple(parse(text, names) for text in texts)


def parse(text: Condition, names: Collection[str]) -> Constraint:
    """`names`: the parameters of the space, without dashes. Raises UserErrorException that points at the place."""
    if callable(text):
        return _of_function(text, names)
    if not isinstance(text, str):
        raise UserErrorException(
            f"A constraint is {shown(text)}. Give a text, such as 'batch * layers <= 4096'."
        )
    decide, about = Parser(text, names).whole()
    return Constraint(text, about, decide)


def name_of(function: Callable[[dict[str, Any]], Any]) -> str:
    """What a reader may know it by."""
    return str(getattr(function, "__name__", type(function).__name__))


def _of_function(function: Callable[[dict[str, Any]], Any], names: Collection[str]) -> Constraint:
    """It may be about any parameter."""
    called = name_of(function)

    def decide(known: Known) -> bool:
        try:
            found = function(dict(known))
        except ArithmeticError:
            raise
        except Exception as error:
            raise UserErrorException(
                f"The constraint {called} failed for {shown(dict(known))}: {type(error).__name__}: {error}"
            ) from error
        if found is None:
            raise UserErrorException(f"The constraint {called} returned nothing. Return True or False.")
        return bool(found)

    return Constraint(called, frozenset(names), decide)
