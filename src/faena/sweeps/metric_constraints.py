"""Conditions on metrics, such as `latency <= 10`: a trial that does not fulfil them is not the best. No I/O.

They are written as constraints of a space are. Names are those of metrics; one that is more than a word stands in
backquotes: `` `val/loss` < 1 ``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from faena.kernel.nearest import nearest
from faena.sweeps import constraints
from faena.sweeps.comparing import finite
from faena.sweeps.constraints import Constraint

_NAMES = re.compile(
    r"""'[^']*+'|"[^"]*+"|`(?P<quoted>[^`]*+)`|(?<![\w.])(?P<word>[^\W\d]\w*+(?:\.[^\W\d]\w*+)*+)"""
)
_WORDS = frozenset(("and", "or", "not", "in", "True", "False", "true", "false", "None"))


def parse_all(texts: Sequence[str]) -> tuple[Constraint, ...]:
    """Raises UserErrorException that points at the place."""
    return constraints.parse_all(texts, _named(texts))


def fulfils(conditions: Sequence[Constraint], metrics: Mapping[str, float | None]) -> bool:
    """Whether a trial's values fulfil all of them: it has a finite one of each metric that they name."""
    known = {name: value for name, given in metrics.items() if (value := finite(given)) is not None}
    return all(condition.names <= known.keys() and condition.allows(known) for condition in conditions)


def never_logged(conditions: Sequence[Constraint], logged: Collection[str]) -> str | None:
    """That a condition names a metric which a trial that completed has not: no such trial can be the best."""
    for condition in conditions:
        for name in sorted(condition.names - set(logged)):
            near = nearest(name, logged)
            meant = f" Did you mean {' or '.join(f'`{other}`' for other in near)}?" if near else ""
            which = f"The condition {condition.text!r} names {name!r}"
            return f"{which}, which is not among the metrics that were logged.{meant}"
    return None


def _named(texts: Sequence[str]) -> set[str]:
    """What may be a metric's name: which ones there are is not known before a trial has run."""
    names = set()
    for text in texts if isinstance(texts, list | tuple) else ():
        for found in _NAMES.finditer(text) if isinstance(text, str) else ():
            word = found["word"]
            if found["quoted"]:
                names.add(found["quoted"].lstrip("-"))
            elif word and word not in _WORDS:
                names.add(word)
    return names
