"""The text form in which Prometheus reads counts and states, line by line."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
Labels = Mapping[str, object]


class Latencies:
    """How often something took how long. `bounds`: upper ones, in seconds."""

    __slots__ = ("bounds", "counts", "seconds")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.seconds += seconds


def family(name: str, kind: str, help_text: str, samples: Iterable[tuple[Labels, float]]) -> Iterator[str]:
    """`kind`: counter or gauge."""
    yield from head(name, kind, help_text)
    for labels, value in samples:
        yield line(name, labels, value)


def histogram(name: str, help_text: str, samples: Iterable[tuple[Labels, Latencies]]) -> Iterator[str]:
    yield from head(name, "histogram", help_text)
    for labels, found in samples:
        reached = 0
        for bound, count in zip((*map(str, found.bounds), "+Inf"), found.counts, strict=True):
            reached += count
            yield line(f"{name}_bucket", {**labels, "le": bound}, reached)
        yield line(f"{name}_sum", labels, found.seconds)
        yield line(f"{name}_count", labels, reached)


def head(name: str, kind: str, help_text: str) -> Iterator[str]:
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} {kind}"


def line(name: str, labels: Labels, value: float) -> str:
    number = repr(float(value)) if isinstance(value, float) else str(int(value))
    shown = ",".join(f'{label}="{_escaped(str(text))}"' for label, text in labels.items())
    return f"{name}{{{shown}}} {number}" if shown else f"{name} {number}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
