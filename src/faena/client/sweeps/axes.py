"""A sweep's trials as charts see them: what each parameter's axis is like, and where a trial lies on it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from faena.client.wire import shown
from faena.kernel.errors import UserErrorException
from faena.kernel.nearest import nearest
from faena.sweeps.arguments import bare
from faena.sweeps.comparing import finite
from faena.sweeps.distributions import as_number
from faena.sweeps.expressions import WORDS, as_written
from faena.sweeps.schemas import Goal, SweepSpec, TrialView

MOST_CATEGORIES = 50
"""Numbers that are options are names up to so many: 16, 32, 64 are as far from each other. Beyond they are numbers."""
_LABEL = 40


class Tried(NamedTuple):
    trial: TrialView
    parameters: dict[str, Any]
    """By name without dashes; a flag is True or False; those of other options are not among them."""
    value: float | None
    """Of the metric that is drawn; None where it is not a finite number."""


@dataclass(frozen=True, slots=True)
class Axis:
    name: str
    kind: Literal["number", "log", "category"]
    places: Mapping[str, float] = field(default_factory=dict)
    """Of categories, by what they are called, in order."""

    def place(self, parameters: Mapping[str, Any]) -> float | None:
        """A number, or the index of a category; None where the trial does not have the parameter."""
        if self.name not in parameters:
            return None
        value = parameters[self.name]
        if self.kind != "category":
            return float(value)
        return self.places[label(value)]

    @property
    def labels(self) -> list[str]:
        """Of categories, short enough for an axis."""
        return [_short(each) for each in self.places]


@dataclass(frozen=True, slots=True)
class Drawable:
    """All trials of a sweep, the metric that is drawn, and the axes of its parameters, in the order of the space."""

    metric: str
    goal: Goal
    tried: list[Tried]
    axes: dict[str, Axis]

    @property
    def measured(self) -> list[Tried]:
        """The trials with a value."""
        return [each for each in self.tried if each.value is not None]

    def axis(self, name: str) -> Axis:
        """Raises UserErrorException."""
        found = self.axes.get(bare(name)) if isinstance(name, str) else None
        if found is None:
            near = nearest(bare(name), self.axes) if isinstance(name, str) else ()
            hint = f"Did you mean {' or '.join(near)}?" if near else f"Use one of {_few(self.axes)}."
            raise UserErrorException(f"{shown(name)} is no parameter of this sweep. {hint}")
        return found


def drawable(spec: SweepSpec, trials: Iterable[TrialView], metric: str | None = None) -> Drawable:
    """`metric`: default: the primary one. Raises UserErrorException for one that is no objective."""
    place = index_of(spec, metric)
    words, options = _written(spec.space)
    names, flags = names_of(spec)
    tried = [
        Tried(trial, parameters_of(trial, flags), finite(trial.metrics[place]) if trial.metrics else None)
        for trial in trials
        if trial.state != "free"
    ]
    seen: dict[str, list[Any]] = {name: [] for name in names}
    for each in tried:
        for name, value in each.parameters.items():
            seen.setdefault(name, []).append(value)
    axes = {name: _axis(name, words[name], options[name], values) for name, values in seen.items()}
    objective = spec.objectives[place]
    return Drawable(objective.name, objective.goal, tried, axes)


def index_of(spec: SweepSpec, metric: str | None) -> int:
    """The place of an objective; None: the primary one. Raises UserErrorException."""
    names = [objective.name for objective in spec.objectives]
    if metric is None:
        return 0
    if metric not in names:
        raise UserErrorException(
            f"{shown(metric)} is nothing that this sweep tunes for. Use one of {_few(names)}."
        )
    return names.index(metric)


def names_of(spec: SweepSpec) -> tuple[list[str], set[str]]:
    """All parameters, without dashes, in the order of the space, and which of them are flags."""
    words, _ = _written(spec.space)
    names = dict.fromkeys(name for name, _, _ in _leaves(spec.space))
    return list(names), {name for name, found in words.items() if "flag" in found}


def parameters_of(trial: TrialView, flags: Iterable[str]) -> dict[str, Any]:
    """By name without dashes. A flag is True where it is given."""
    found = {bare(name): value for name, value in trial.parameters.items()}
    return found | {name: found[name] == "" for name in flags if found.get(name, 0) in (None, "")}


def label(value: object) -> str:
    """What a category is called: a text is as it is unless it reads like something else."""
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value and not _reads_as_other(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _reads_as_other(text: str) -> bool:
    return text in ("True", "False", "None") or text[0] in '"[{' or as_number(text) is not None


def _short(text: str) -> str:
    return text if len(text) <= _LABEL else f"{text[: _LABEL // 2]}…{text[-_LABEL // 2 + 1 :]}"


def _few(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:10]) + (", …" if len(found) > 10 else "")


def _axis(name: str, words: set[str], options: Sequence[Any], values: Sequence[Any]) -> Axis:
    everything = [*([False, True] if "flag" in words else []), *options, *values]
    numbers = all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in everything)
    if numbers and (words - {"choice"} or len(set(everything)) > MOST_CATEGORIES):
        is_log = any("log" in word for word in words) and all(each > 0 for each in everything)
        return Axis(name, "log" if is_log else "number")
    ordered = sorted(everything) if numbers else everything
    found = dict.fromkeys(map(label, ordered))
    return Axis(name, "category", {each: float(place) for place, each in enumerate(found)})


def _written(space: Mapping[str, Any]) -> tuple[dict[str, set[str]], dict[str, list[Any]]]:
    """By parameter the words by which it is drawn, and the values that it is set to."""
    words: dict[str, set[str]] = defaultdict(set)
    options: dict[str, list[Any]] = defaultdict(list)
    for name, word, value in _leaves(space):
        if word:
            words[name].add(word)
        else:
            options[name].append(value)
    return words, options


def _leaves(space: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Parameter, and either the word that draws it or a value that an option gives it."""
    for name, given in space.items():
        word, arguments = as_written(given)
        if word not in WORDS:
            yield bare(name), "", given
        elif word != "choice":
            yield bare(name), word, None
        else:
            for option in arguments[0]:
                yield from _leaves(option if isinstance(option, Mapping) else {name: option})
