"""The spans of a trace as a tree, in the order of reading: each span before those below it. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from msgspec import Struct

from faena.traces.model import Span


class Placed(Struct, frozen=True):
    span: Span
    depth: int
    """0: it has no parent, or none that came."""
    children: int
    """Spans right below it."""


def placed(spans: Sequence[Span]) -> list[Placed]:
    """All spans, each once; those of one parent as they began. What goes in circles is cut where it began first."""
    there = {span.id for span in spans}
    below: dict[str, list[Span]] = defaultdict(list)
    roots: list[Span] = []
    in_order = sorted(spans, key=lambda span: (span.began_ns, span.id))
    for span in in_order:
        parent = span.parent_id
        if parent is None or parent not in there or parent == span.id:
            roots.append(span)
        else:
            below[parent].append(span)
    found: list[Placed] = []
    seen: set[str] = set()
    _walk(roots, below, seen, found)
    for span in in_order if len(seen) < len(there) else ():
        _walk([span], below, seen, found)
    return found


def _walk(roots: Sequence[Span], below: dict[str, list[Span]], seen: set[str], found: list[Placed]) -> None:
    """Without recursion: a trace may be as deep as it has spans."""
    waiting = [(span, 0) for span in reversed(roots)]
    while waiting:
        span, depth = waiting.pop()
        if span.id in seen:
            continue
        seen.add(span.id)
        if (children := below.get(span.id)) is None:
            found.append(Placed(span, depth, 0))
            continue
        there = [each for each in children if each.id not in seen]
        found.append(Placed(span, depth, len(there)))
        waiting += [(each, depth + 1) for each in reversed(there)]
