"""What tables of runs show where nobody chose their columns. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any


def common(values: Sequence[Mapping[str, Any]], most: int, first: str | None) -> list[str]:
    """Names that most of the runs have, `most` at most, the `first` before all; then as they come in the alphabet."""
    counted = Counter(name for each in values for name in each)
    if first is not None:
        counted[first] = len(values) + 1
    chosen = sorted(counted, key=lambda name: (-counted[name], name))[:most]
    return sorted(chosen, key=lambda name: (name != first, name))
