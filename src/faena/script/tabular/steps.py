"""What is done with rows and columns after they were read: each verb takes frames, and gives frames."""

from __future__ import annotations

from importlib import import_module

from faena.script.errors import UserErrorException
from faena.script.tabular import conversion, expressions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, Sequence


def done(frames: Iterator[Any], steps: Sequence[Any]) -> Iterator[Any]:
    """The frames after all steps. Raises UserErrorException for a verb of a newer Faena."""
    for verb, arguments in _joined(steps):
        if verb not in _VERBS:
            raise UserErrorException(
                "The dataset has the step {!r}, which this Faena does not know.".format(verb)
            )
        frames = _VERBS[verb](frames, **arguments)
    return frames


def _joined(steps: Sequence[Any]) -> list[Any]:
    """With conditions that follow one another as one, so that rows are chosen once."""
    made: list[Any] = []
    for verb, arguments in steps:
        if verb == "where" and made and made[-1][0] == "where":
            made[-1][1]["conditions"].append(arguments["condition"])
            continue
        made.append((verb, {"conditions": [arguments["condition"]]} if verb == "where" else arguments))
    return made


def _take(frames: Iterator[Any], count: int) -> Iterator[Any]:
    for frame in frames:
        yield frame if len(frame) <= count else frame.iloc[:count]
        count -= len(frame)
        if count <= 0:
            return


def _skip(frames: Iterator[Any], count: int) -> Iterator[Any]:
    for frame in frames:
        yield frame.iloc[count:] if count > 0 else frame
        count -= len(frame)


def _sample(frames: Iterator[Any], probability: float, seed: int, rest: bool = False) -> Iterator[Any]:
    """`rest`: those that are not in the sample of this seed."""
    numpy = import_module("numpy")  # by name: it comes with the pandas of whoever asks
    chance = numpy.random.RandomState(
        seed
    )  # the numbers of a seed are the same in all versions, however many at once
    for frame in frames:
        drawn = chance.random_sample(len(frame)) < probability
        yield frame[~drawn if rest else drawn]


def _keep(frames: Iterator[Any], columns: list[str]) -> Iterator[Any]:
    for frame in frames:
        check(columns, list(frame.columns), "keep_columns")
        yield frame[columns]


def _drop(frames: Iterator[Any], columns: list[str]) -> Iterator[Any]:
    for frame in frames:
        check(columns, list(frame.columns), "drop_columns")
        yield frame.drop(columns=columns)


def _rename(frames: Iterator[Any], names: dict[str, str]) -> Iterator[Any]:
    for frame in frames:
        check(list(names), list(frame.columns), "rename_columns")
        yield frame.rename(columns=names)


def _convert(frames: Iterator[Any], types: dict[str, dict[str, Any]]) -> Iterator[Any]:
    for frame in frames:
        check(list(types), list(frame.columns), "with_column_types")
        frame = frame.copy(deep=False)
        for name, of in types.items():
            frame[name] = conversion.converted(frame[name], of)
        yield frame


def _where(frames: Iterator[Any], conditions: list[Any]) -> Iterator[Any]:
    for frame in frames:
        rows = expressions.chosen(frame, conditions[0])
        for condition in conditions[1:]:
            rows &= expressions.chosen(frame, condition)
        yield frame[rows]


_VERBS: dict[str, Callable[..., Iterator[Any]]] = {
    "take": _take,
    "skip": _skip,
    "sample": _sample,
    "keep": _keep,
    "drop": _drop,
    "rename": _rename,
    "convert": _convert,
    "where": _where,
}


def check(asked: Sequence[str], there: Sequence[str], what: str) -> None:
    """Raises UserErrorException naming columns that are not there."""
    known = set(there)
    missing = [name for name in asked if name not in known]
    if missing:
        raise UserErrorException(
            "{} names {}, and there is no such column. There are: {}.".format(
                what, ", ".join(map(repr, missing[:5])), ", ".join(map(str, there[:50]))
            )
        )
