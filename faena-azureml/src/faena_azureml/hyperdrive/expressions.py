"""v1's parameter expressions: Faena's, checked where they are written, as v1 did."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from faena.client.sweeps import expressions as faena
from faena.client.sweeps.plain import plain
from faena.kernel.errors import UserErrorException
from faena.sweeps import expressions

Expression = faena.Expression
P = ParamSpec("P")

_UNNAMED = "Parameter '': "


def _checked(make: Callable[P, Expression]) -> Callable[P, Expression]:
    """Raises UserErrorException, an AzureMLException, for what cannot be drawn from: nobody knows its name yet."""

    @wraps(make)
    def expression(*given: P.args, **named: P.kwargs) -> Expression:
        made: Expression = plain(make(*given, **named))
        if made[0] == "choice":  # its options may be expressions themselves, which the space looks into
            return made
        try:
            expressions.parse("", *expressions.split("", made))
        except UserErrorException as error:
            raise UserErrorException(error.message.removeprefix(_UNNAMED)) from None
        return made

    return expression


choice: Callable[..., Any] = _checked(faena.choice)
randint = _checked(faena.randint)
uniform = _checked(faena.uniform)
quniform = _checked(faena.quniform)
loguniform = _checked(faena.loguniform)
qloguniform = _checked(faena.qloguniform)
normal = _checked(faena.normal)
qnormal = _checked(faena.qnormal)
lognormal = _checked(faena.lognormal)
qlognormal = _checked(faena.qlognormal)
