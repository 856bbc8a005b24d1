"""The files of a dataset, one after another, as chunks whose columns are those of its schema."""

from __future__ import annotations

from faena.script.errors import UserErrorException
from faena.script.tabular import json_lines, types
from faena.script.tabular.definition import DELIMITED, PARQUET
from faena.script.tabular.delimited import Delimited, Rows
from faena.script.tabular.frames import empty, pandas
from faena.script.tabular.headers import NONE, ONLY_FIRST, header_of
from faena.script.tabular.parquet import Parquet
from faena.script.tabular.schema import PATH, SAMPLED, look, partitions_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator, Sequence

    from faena.script.tabular.conversion import Misfit
    from faena.script.tabular.definition import Definition
    from faena.script.tabular.known import Known
    from faena.script.tabular.schema import File

_MOST_COLUMNS = 20_000
_WIDE = 200
"""Columns from which on it pays to tell pandas which are texts: to put others in their place costs as much for each."""


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

    def text(self, place: int, misfit: Misfit) -> Any:
        """The value as the file has it."""
        return misfit.value

    def read_on_as_texts(self, places: Iterable[int]) -> None:
        """Reads those columns as texts in later chunks: they were empty in this one, and had to be made texts."""

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


class _ParquetChunk(Chunk):
    def text(self, place: int, misfit: Misfit) -> Any:
        """Pandas may have rounded it."""
        name = self.columns[place][0]
        return Parquet(self._file.place, self._file.path).value(name, self._start + misfit.row)


class _DelimitedChunk(Chunk):
    def __init__(self, file: File, columns: Sequence[Any], rows: Rows) -> None:
        super().__init__(file, columns, rows.frame, 0)
        self._rows = rows

    def read_as_text(self, place: int) -> None:
        self._rows.read_as_texts({place})
        self._frame = self._rows.frame

    def text(self, place: int, misfit: Misfit) -> Any:
        """Pandas may have rounded it."""
        return misfit.value if isinstance(misfit.value, str) else self._rows.text(place, misfit.row)

    def read_on_as_texts(self, places: Iterable[int]) -> None:
        if len(self.columns) > _WIDE:
            self._rows.read_on_as_texts(places)

    def where(self, row: int) -> str:
        return "{}, line {}".format(self._file.path, self._rows.line(row))


def chunks(of: Definition, sources: Sequence[File], known: Known) -> Iterator[Chunk]:
    """Of all files in order. Raises UserErrorException naming file and line, NewColumns."""
    if of.columns is None:
        of = look(of.replaced(options=dict(of.options, infer_column_types=False)), sources)
    partitions = partitions_of(of)
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


def _file_columns(of: Definition) -> list[str]:
    """Names of the schema that are of the files themselves."""
    partitions = partitions_of(of)
    ours = {name for name, _ in partitions.columns} if partitions is not None else set()
    ours |= {PATH} if of.options.get("include_path") else set()
    return [name for name, _ in of.columns or () if name not in ours]


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
            yield _ParquetChunk(file, columns, frame, start)
            start += len(frame)


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
            yield _JsonChunk(file, columns, frame, part)
    if new:
        raise NewColumns({name: json_lines.type_of(found) for name, found in new.items()})


class _JsonChunk(Chunk):
    def __init__(self, file: File, columns: Sequence[Any], frame: Any, part: Sequence[Any]) -> None:
        super().__init__(file, columns, frame, 0)
        self._part = part

    def text(self, place: int, misfit: Misfit) -> Any:
        return json_lines.text_of(self._part[misfit.row][1].get(self.columns[place][0]))

    def where(self, row: int) -> str:
        return "{}, line {}".format(self._file.path, self._part[row][0])
