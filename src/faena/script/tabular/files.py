"""The files of a dataset, one after another, as chunks whose columns are those of its schema."""

from __future__ import annotations

from typing import NamedTuple

from faena.script.errors import UserErrorException
from faena.script.tabular import json_lines, types
from faena.script.tabular.definition import DELIMITED, PARQUET
from faena.script.tabular.delimited import Delimited, Rows
from faena.script.tabular.frames import empty, pandas
from faena.script.tabular.headers import COMBINE, NONE, ONLY_FIRST, header_of
from faena.script.tabular.parquet import Parquet
from faena.script.tabular.partitions import PartitionFormat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Optional, Sequence

    from faena.script.tabular.definition import Definition
    from faena.script.tabular.known import Known

SAMPLED = 200
"""Rows from which the types of columns are inferred."""
PATH = "Path"
_MOST_COLUMNS = 20_000


class File(NamedTuple):
    """`path` is what the user knows it by: with a slash in front in a datastore, or an address; `place` is here."""

    path: str
    place: str


class NewColumns(Exception):
    """Of JSON lines: columns, with their types, that the first rows have not."""

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None:
        super().__init__(columns)
        self.columns = columns


class Chunk:
    """Rows of one file. `columns`: (name, type) of what the file has, in its order; `dtypes`: what pandas read."""

    def __init__(self, file: File, columns: Sequence[Any], frame: Any, start: int) -> None:
        self.columns = columns
        self._file = file
        self._frame = frame
        self._start = start
        self._order: Sequence[str] = ()
        self._constants: dict[str, Any] = {}
        self.dtypes = list(frame.dtypes)

    def laid_out(self, order: Sequence[str], constants: dict[str, Any]) -> Chunk:
        """With its columns in the order of the schema, and those that are the same in all rows of the file."""
        self._order, self._constants = order, constants
        return self

    def column(self, place: int) -> Any:
        return self._frame[place]

    def read_as_text(self, place: int) -> None:
        """Reads a column as the texts that it was."""
        self._frame[place] = self._frame[place].map(json_lines.text_of).astype(object)

    def where(self, row: int) -> str:
        return "{}, row {}".format(self._file.path, self._start + row + 1)

    def frame(self, changed: dict[str, Any]) -> Any:
        """Of the schema, with other columns in the place of those that changed."""
        names = [name for name, _ in self.columns]
        frame = self._frame
        if len(changed) * 4 > len(names):
            columns = {place: changed.get(name, frame[place]) for place, name in enumerate(names)}
            frame = pandas().DataFrame(columns, index=frame.index)
            changed = {}
        frame.columns = names
        for name, column in changed.items():
            frame[name] = column
        for place, (name, value) in enumerate(self._constants.items()):
            frame.insert(place, name, value)
            if isinstance(value, str):
                frame[name] = frame[name].astype(object)
        return frame if list(frame.columns) == list(self._order) else frame.reindex(columns=self._order)


class _DelimitedChunk(Chunk):
    def __init__(self, file: File, columns: Sequence[Any], rows: Rows) -> None:
        super().__init__(file, columns, rows.frame, 0)
        self._rows = rows

    def read_as_text(self, place: int) -> None:
        self._rows.read_as_texts({place})
        self._frame = self._rows.frame

    def where(self, row: int) -> str:
        return "{}, line {}".format(self._file.path, self._rows.line(row))


def look(of: Definition, sources: Sequence[File]) -> Definition:
    """The definition with the columns and types of the first rows. Raises UserErrorException for what is no table."""
    seen = {DELIMITED: _look_delimited, PARQUET: _look_parquet}.get(of.kind, _look_json)(of, sources)
    if not seen:
        raise UserErrorException(
            "There is no table: {} empty. Choose files that have rows.".format(
                "all {} files are".format(len(sources)) if len(sources) > 1 else sources[0].path + " is"
            )
        )
    said = of.options.get("set_column_types") or {}
    columns = [(name, said.get(name, kind)) for name, kind in [*_constant_columns(of, sources), *seen]]
    names = [name for name, _ in columns]
    missing = [name for name in said if name not in names]
    if missing:
        raise UserErrorException(
            "set_column_types names the column {!r}, and there is none. There are: {}.".format(
                missing[0], ", ".join(names[:50])
            )
        )
    twice = [name for name in names[: len(names) - len(seen)] if names.count(name) > 1]
    if twice:
        raise UserErrorException(
            "The files have a column {!r} of their own. Leave include_path away, or name the column of the "
            "partition_format otherwise.".format(twice[0])
        )
    return of.replaced(columns=columns)


def chunks(of: Definition, sources: Sequence[File], known: Known) -> Iterator[Chunk]:
    """Of all files in order. Raises UserErrorException naming file and line, NewColumns."""
    if of.columns is None:
        of = look(of.replaced(options=dict(of.options, infer_column_types=False)), sources)
    partitions = _partitions(of)
    order = _order(of, known)
    schema = {name: types.TEXT if name in known.widened else kind for name, kind in of.columns or ()}
    schema.update({name: types.TEXT if name in known.widened else kind for name, kind in known.added.items()})
    made = {DELIMITED: _delimited, PARQUET: _parquet}.get(of.kind, _json)
    for chunk in made(of, sources, schema, known):
        constants: dict[str, Any] = {PATH: chunk._file.path} if of.options.get("include_path") else {}
        if partitions is not None:
            constants.update(partitions.values(chunk._file.path))
        yield chunk.laid_out(order, constants)


def without_rows(of: Definition, sources: Sequence[File], known: Known) -> Any:
    """A frame of the schema without a row."""
    if of.columns is None:
        of = look(of.replaced(options=dict(of.options, infer_column_types=False)), sources)
    return empty(_order(of, known))


def _order(of: Definition, known: Known) -> list[str]:
    return [*(name for name, _ in of.columns or ()), *known.added]


def _partitions(of: Definition) -> Optional[PartitionFormat]:
    text = of.options.get("partition_format")
    return PartitionFormat(text) if text else None


def _constant_columns(of: Definition, sources: Sequence[File]) -> list[tuple[str, dict[str, Any]]]:
    partitions = _partitions(of)
    if partitions is not None:
        partitions.values(sources[0].path)
    first = [(PATH, types.TEXT)] if of.options.get("include_path") else []
    return [*first, *(partitions.columns if partitions is not None else [])]


def _file_columns(of: Definition) -> list[str]:
    """Names of the schema that are of the files themselves."""
    partitions = _partitions(of)
    ours = {name for name, _ in partitions.columns} if partitions is not None else set()
    ours |= {PATH} if of.options.get("include_path") else set()
    return [name for name, _ in of.columns or () if name not in ours]


def _look_delimited(of: Definition, sources: Sequence[File]) -> list[tuple[str, dict[str, Any]]]:
    mode = of.options["header"]
    names: list[str] = []
    texts: dict[str, list[Any]] = {}
    rows = 0
    for file in sources:
        if rows >= SAMPLED and mode != COMBINE:
            break
        reader = Delimited(file.place, file.path, of.options)
        own = header_of(reader, file.path, mode, names)
        if own is None:
            continue
        header = mode not in (NONE, ONLY_FIRST) or (mode == ONLY_FIRST and not names)
        names += [name for name in own if name not in texts]
        for name in own:
            texts.setdefault(name, [])
        if rows >= SAMPLED or not of.options.get("infer_column_types", True):
            continue
        found = next(reader.rows([types.TEXT] * len(own), header, set(range(len(own))), SAMPLED - rows), None)
        if found is not None:
            rows += len(found.frame)
            for place, name in enumerate(own):
                texts[name] += found.frame[place].tolist()
    infer = of.options.get("infer_column_types", True)
    return [(name, types.inferred(texts[name]) if infer else types.TEXT) for name in names]


def _delimited(
    of: Definition, sources: Sequence[File], schema: dict[str, Any], known: Known
) -> Iterator[Chunk]:
    mode, names = of.options["header"], _file_columns(of)
    first = True
    for file in sources:
        reader = Delimited(file.place, file.path, of.options)
        own = header_of(reader, file.path, mode, names)
        if own is None:
            continue
        header = mode not in (NONE, ONLY_FIRST) or (mode == ONLY_FIRST and first)
        first = False
        columns = [(name, schema.get(name, types.TEXT)) for name in own]
        exact = {place for place, (name, _) in enumerate(columns) if name in known.widened}
        for rows in reader.rows([kind for _, kind in columns], header, exact):
            yield _DelimitedChunk(file, columns, rows)


def _look_parquet(of: Definition, sources: Sequence[File]) -> list[tuple[str, dict[str, Any]]]:
    """Of all files, whose ends alone are read: they must have the same columns; where types differ, it is text."""
    found: dict[str, dict[str, Any]] = {}
    for number, file in enumerate(sources):
        own = dict(Parquet(file.place, file.path).columns())
        if number == 0:
            found = dict(own)
            continue
        different = sorted(set(found) ^ set(own))
        if different:
            name = different[0]
            raise UserErrorException(
                "{} {} a column {!r}, and {} {}. Make one dataset of files that have the same columns.".format(
                    sources[0].path, "has" if name in found else "lacks", name, file.path,
                    "lacks it" if name in found else "has it",
                )
            )  # fmt: skip
        for name, kind in own.items():
            if found[name] != kind:
                numbers = {found[name]["type"], kind["type"]} == {"long", "float"}
                found[name] = {"type": "float"} if numbers else types.TEXT
    return list(found.items())


def _parquet(
    of: Definition, sources: Sequence[File], schema: dict[str, Any], known: Known
) -> Iterator[Chunk]:
    texts = {name for name, kind in schema.items() if kind["type"] == "string"}
    for file in sources:
        start = 0
        for frame in Parquet(file.place, file.path).frames(texts):
            columns = [(name, schema[name]) for name in frame.columns if name in schema]
            frame = frame[[name for name, _ in columns]]
            frame.columns = range(len(columns))
            yield Chunk(file, columns, frame, start)
            start += len(frame)


def _look_json(of: Definition, sources: Sequence[File]) -> list[tuple[str, dict[str, Any]]]:
    values: dict[str, list[Any]] = {}
    rows = 0
    for file in sources:
        for part in json_lines.records(file.place, file.path, of.options, SAMPLED):
            for _, record in part[: SAMPLED - rows]:
                for name, value in record.items():
                    values.setdefault(name, []).append(value)
            rows += len(part)
            if rows >= SAMPLED:
                return [(name, json_lines.type_of(found)) for name, found in values.items()]
    return [(name, json_lines.type_of(found)) for name, found in values.items()]


def _json(of: Definition, sources: Sequence[File], schema: dict[str, Any], known: Known) -> Iterator[Chunk]:
    names = [*_file_columns(of), *known.added]
    there = set(names)
    new: dict[str, list[Any]] = {}
    for file in sources:
        for part in json_lines.records(file.place, file.path, of.options):
            for _, record in part:
                for name in record.keys() - there:
                    found = new.setdefault(name, [])
                    if len(found) < SAMPLED:
                        found.append(record[name])
            if len(new) + len(names) > _MOST_COLUMNS:
                raise UserErrorException(
                    "{} has more than {:,} different names in its objects. Make them values: one object a row, with "
                    "the same names in all.".format(file.path, _MOST_COLUMNS)
                )
            if new:
                continue
            columns = [(name, schema[name]) for name in names]
            frame = pandas().DataFrame(
                {
                    place: json_lines.column_of([record.get(name) for _, record in part], kind)
                    for place, (name, kind) in enumerate(columns)
                },
                columns=range(len(columns)),
            )
            yield _JsonChunk(file, columns, frame, [line for line, _ in part])
    if new:
        raise NewColumns({name: json_lines.type_of(found) for name, found in new.items()})


class _JsonChunk(Chunk):
    def __init__(self, file: File, columns: Sequence[Any], frame: Any, lines: list[int]) -> None:
        super().__init__(file, columns, frame, 0)
        self._lines = lines

    def where(self, row: int) -> str:
        return "{}, line {}".format(self._file.path, self._lines[row])
