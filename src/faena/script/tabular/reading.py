"""A dataset's rows, a chunk at a time, all of one schema.

The types of columns were inferred from the first rows. A later value that does not fit is found in the chunk in which
it stands; the rest is then looked through for others, and reading begins anew with those columns as text: twice at
most, however many columns it concerns.
"""

from __future__ import annotations

from faena.script.errors import UserErrorException
from faena.script.messages import warn_once
from faena.script.tabular import conversion, files, steps
from faena.script.tabular.conversion import Wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, Optional, TypeVar

    from faena.script.tabular.definition import Definition
    from faena.script.tabular.files import Chunk
    from faena.script.tabular.known import Known
    from faena.script.tabular.schema import File

    T = TypeVar("T")

_HASTY = 3
"""So many columns give way at once where few rows are asked for; then all rows are looked through for others."""


class Widened(Exception):
    """Columns turned out not to be what their first rows were: read again. `told`: what the user is told, by name."""

    def __init__(self, told: dict[str, str]) -> None:
        super().__init__(told)
        self.told = told


def whole(
    of: Definition,
    sources: list[File],
    known: Known,
    consume: Callable[[Iterator[Any]], T],
    wanted: Optional[Wanted] = None,
) -> T:
    """What `consume` makes of the frames; it is called again, with other frames, where columns gave way."""
    while True:
        try:
            return consume(frames(of, sources, known, wanted or Wanted()))
        except Widened as found:
            for text in found.told.values():
                warn_once("faena: " + text)
            known.widened |= set(found.told)
        except files.NewColumns as new:
            known.added.update(new.columns)


def frames(of: Definition, sources: list[File], known: Known, wanted: Wanted) -> Iterator[Any]:
    """At least one, if without a row. Raises Widened, files.NewColumns, UserErrorException naming file and line."""
    return steps.done(_read(of, sources, known, wanted), of.steps)


def _read(of: Definition, sources: list[File], known: Known, wanted: Wanted) -> Iterator[Any]:
    hasty = any(verb == "take" for verb, _ in of.steps) and len(known.widened) < _HASTY
    told: dict[str, str] = {}
    some = False
    for chunk in files.chunks(of, sources, known):
        made = _fitted(chunk, wanted, told, known)
        if told:
            if hasty:
                break
            continue
        some = True
        yield made
    if told:
        raise Widened(told)
    if not some:
        yield files.without_rows(of, sources, known)


def _fitted(chunk: Chunk, wanted: Wanted, told: dict[str, str], known: Known) -> Any:
    """The frame with its columns as they should be; what gives way is put into `told`."""
    changed: dict[str, Any] = {}
    as_wanted: dict[Any, bool] = {}  # asked once for each pair, and not for each of ten thousand columns
    for place, (name, of) in enumerate(chunk.columns):
        pair = chunk.dtypes[place], of["type"]
        if pair not in as_wanted:
            as_wanted[pair] = conversion.is_as_wanted(*pair)
        if as_wanted[pair] or name in told:
            continue
        try:
            changed[name] = _column(chunk, place, of, wanted)
        except conversion.Rounded as found:
            told[name] = (
                "{}: {!r} in the column {!r} would be rounded beside nulls or fractions; the column is read as "
                "text.".format(chunk.where(found.row), _shown(chunk.text(place, found)), name)
            )
        except conversion.Misfit as misfit:
            where, shown = chunk.where(misfit.row), _shown(chunk.text(place, misfit))
            if wanted.on_error == "fail" or of.get("said"):
                raise UserErrorException(
                    "{}: {!r} in the column {!r} is no {}. Leave on_error='fail' away to get null in its place.".format(
                        where, shown, name, _NAMED[of["type"]]
                    )
                ) from None
            told[name] = (
                "{}: {!r} in the column {!r} is no {}, as the first rows are; the column is read as text. "
                "set_column_types says what it is to be.".format(where, shown, name, _NAMED[of["type"]])
            )
    chunk.read_on_as_texts(
        place for place, (name, of) in enumerate(chunk.columns) if name in changed and of["type"] == "string"
    )
    return chunk.frame(changed)


def _column(chunk: Chunk, place: int, of: dict[str, Any], wanted: Wanted) -> Any:
    try:
        return conversion.fitted(chunk.column(place), of, wanted)
    except conversion.NeedsText:
        chunk.read_as_text(place)
        return conversion.fitted(chunk.column(place), of, wanted)


def _shown(value: Any) -> str:
    return str(value)[:80]


_NAMED = {
    "long": "whole number",
    "float": "number",
    "bool": "truth value",
    "datetime": "date",
    "string": "text",
}


def joined(frames: Iterator[Any], known: Known) -> Any:
    """All rows as one frame. Raises Widened for whole numbers that would be rounded as floats among nulls."""
    from faena.script.tabular.frames import handed_out, numbered, pandas

    parts = list(frames)
    kept = [part for part in parts if len(part)] or parts[:1]
    if len(kept) == 1:
        return handed_out(numbered(kept[0]))
    rounded = _rounded(kept)
    if rounded:
        raise Widened(rounded)
    return handed_out(pandas().concat(kept, ignore_index=True, sort=False))


def _rounded(parts: list[Any]) -> dict[str, str]:
    """Columns that are whole numbers in one part and floats (numbers and nulls) in another, with numbers too large."""
    told = {}
    kinds = [[dtype.kind for dtype in part.dtypes] for part in parts]
    for place, name in enumerate(parts[0].columns):
        if not {"i", "f"} <= {each[place] for each in kinds}:
            continue
        whole_numbers = [
            part.iloc[:, place] for number, part in enumerate(parts) if kinds[number][place] == "i"
        ]
        if any(column.abs().max() >= conversion.EXACT for column in whole_numbers):
            told[name] = (
                "the column {!r} has nulls, and whole numbers of more digits than pandas keeps beside them; it is read "
                "as text.".format(name)
            )
    return told
