"""A sweep's parameters in Optuna's words for a reader: values instead of coordinates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from optuna.distributions import (
    BaseDistribution,
    CategoricalChoiceType,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from faena.sweeps.space import Point, Space

_MOST_CHOICES = 100
"""Options that are written by name: each trial of a study in a file has all of them."""
_LABEL = 80


class Parameter(Struct, frozen=True):
    """A dimension's name in the study, its distribution there, and what a trial has."""

    name: str
    distribution: BaseDistribution
    value: Callable[[Point], Any]


def parameters(space: Space, written: Mapping[str, Any], points: Sequence[Point]) -> dict[str, Parameter]:
    """By dimension. `points`: what the distributions must hold."""
    expressions = dict(_expressions(written, ""))
    found = {}
    for dimension in space.dimensions:
        name, word, arguments = expressions[dimension.name]
        if dimension.kind == "index":
            found[dimension.name] = _choice(dimension.name, _options(word, arguments))
            continue
        values = [point.values[name] for point in points if dimension.name in point.coordinates]
        found[dimension.name] = _number(dimension.name, name, word, arguments, values)
    return found


def _expressions(
    space: Mapping[str, Any], place: str
) -> Iterator[tuple[str, tuple[str, str, Sequence[Any]]]]:
    """Place -> parameter, word and arguments, also within options."""
    for name, written in space.items():
        if not _is_expression(written):
            continue
        word, arguments = written
        yield place + name, (name, word, arguments)
        for index, option in enumerate(_options(word, arguments)):
            inner = option if isinstance(option, Mapping) else {name: option}
            yield from _expressions(inner, f"{place}{name}/{index}/")


def _is_expression(written: object) -> bool:
    return (
        isinstance(written, (list, tuple))
        and len(written) == 2
        and isinstance(written[0], str)
        and isinstance(written[1], (list, tuple))
    )


def _options(word: str, arguments: Sequence[Any]) -> Sequence[Any]:
    if word == "flag":
        return (False, True)
    return list(arguments[0]) if word == "choice" else ()


def _choice(place: str, options: Sequence[Any]) -> Parameter:
    if len(options) > _MOST_CHOICES:
        index = IntDistribution(0, len(options) - 1)
        return Parameter(place, index, lambda point: int(point.coordinates[place]))
    labels = _labels(options)
    return Parameter(
        place, CategoricalDistribution(labels), lambda point: labels[int(point.coordinates[place])]
    )


def _labels(options: Sequence[Any]) -> list[CategoricalChoiceType]:
    """The options themselves where Optuna can tell them apart: 1, True and 1.0 are one for it."""
    if all(option is None or isinstance(option, (bool, int, float, str)) for option in options) and len(
        set(options)
    ) == len(options):
        return list(options)
    texts = [_short(msgspec.json.encode(option).decode()) for option in options]
    if len(set(texts)) < len(texts):
        texts = [f"{place}: {text}" for place, text in enumerate(texts)]
    return list(texts)


def _short(text: str) -> str:
    return text if len(text) <= _LABEL else f"{text[: _LABEL - 1]}…"


def _number(place: str, name: str, word: str, arguments: Sequence[Any], values: Sequence[float]) -> Parameter:
    """Its bounds are those of the expression and of what was drawn: a quantised value may lie beyond, a normal
    distribution has none."""
    bounds = [*values]
    if word == "randint":
        bounds += [0, arguments[0] - 1]
    elif word.removeprefix("q") == "uniform":
        bounds += arguments[:2]
    elif word.removeprefix("q") == "loguniform":
        bounds += [math.exp(each) for each in arguments[:2]]
    low, high = (min(bounds), max(bounds)) if bounds else (0, 0)
    if word == "randint":
        return Parameter(place, IntDistribution(int(low), int(high)), lambda point: int(point.values[name]))
    is_log = "log" in word and low > 0
    return Parameter(place, FloatDistribution(low, high, log=is_log), lambda point: float(point.values[name]))
