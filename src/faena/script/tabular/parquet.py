"""One Parquet file: its columns, and its rows as frames. Only here is pyarrow used to read."""

from __future__ import annotations

from faena.script.errors import UserErrorException
from faena.script.tabular import types
from faena.script.tabular.frames import pandas, pyarrow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Optional

_ROWS = 100_000
_CELLS = 2_000_000
"""Of a chunk, which has fewer rows where a table has many columns."""


class Parquet:
    """`name` is what messages call the file at `place`. Raises UserErrorException for what is no Parquet file."""

    def __init__(self, place: str, name: str) -> None:
        arrow = pyarrow("Parquet")
        try:
            self._file = arrow.parquet.ParquetFile(place)
        except (arrow.ArrowException, OSError, ValueError) as error:
            raise UserErrorException(
                "{} cannot be read as Parquet: {}. Read it by what it is: from_delimited_files or "
                "from_json_lines_files.".format(name, str(error)[:300])
            ) from None
        self._arrow = arrow
        self._name = name
        schema = getattr(self._file, "schema_arrow", None)
        self._schema = self._file.schema.to_arrow_schema() if schema is None else schema

    def columns(self) -> list[tuple[str, dict[str, Any]]]:
        """(Name, type) in the file's order."""
        twice = (
            {name for name in self._schema.names if self._schema.names.count(name) > 1}
            if len(set(self._schema.names)) < len(self._schema.names)
            else set()
        )
        if twice:
            raise UserErrorException(
                "{} has two columns of the name {!r}. Write it anew with names of their own.".format(
                    self._name, sorted(twice)[0]
                )
            )
        return [(field.name, self._type(field.type)) for field in self._schema]

    def frames(self, texts: set[str]) -> Iterator[Any]:
        """The columns in `texts` as text."""
        size = max(1, min(_ROWS, _CELLS // max(1, len(self._schema.names))))
        for table in self._tables(size):
            for place, name in enumerate(table.schema.names):
                if name in texts and not self._is_text(table.schema.field(place).type):
                    table = table.set_column(place, name, self._as_text(table.column(place)))
            frame = table.to_pandas(ignore_metadata=True, integer_object_nulls=False, date_as_object=False)
            for place, name in enumerate(table.schema.names):
                if self._would_be_rounded(table.column(place)):
                    frame[name] = pandas().Series(
                        table.column(place).to_pylist(), dtype=object, index=frame.index
                    )
            yield frame

    def value(self, name: str, row: int) -> Any:
        """One value, as the file has it."""
        for table in self._tables(_ROWS, [name]):
            if row < table.num_rows:
                return table.column(0).slice(row, 1).to_pylist()[0]
            row -= table.num_rows
        return None

    def _tables(self, size: int, names: Optional[list[str]] = None) -> Iterator[Any]:
        try:
            if hasattr(self._file, "iter_batches"):
                for batch in self._file.iter_batches(batch_size=size, columns=names):
                    yield self._arrow.Table.from_batches([batch])
                return
            for group in range(self._file.num_row_groups):
                yield self._file.read_row_group(group, columns=names)
        except (self._arrow.ArrowException, OSError, ValueError) as error:
            raise UserErrorException(
                "{} is damaged: {}. Bring a whole copy.".format(self._name, str(error)[:300])
            ) from None

    def _would_be_rounded(self, column: Any) -> bool:
        """Whether pyarrow makes floats of whole numbers inside lists and objects, as it does where a null is among
        them.
        """
        of, kinds = column.type, self._arrow.types
        if kinds.is_struct(of):
            return "int64" in str(of)
        if not kinds.is_list(of) or "int64" not in str(of):
            return False
        return not kinds.is_integer(of.value_type) or any(
            chunk.flatten().null_count for chunk in column.chunks
        )

    def _as_text(self, column: Any) -> Any:
        try:
            return column.cast(self._arrow.string())
        except (self._arrow.ArrowException, AttributeError):
            values = [None if value is None else str(value) for value in column.to_pylist()]
            return self._arrow.array(values, self._arrow.string())

    def _is_text(self, of: Any) -> bool:
        kinds = self._arrow.types
        return bool(kinds.is_string(of) or kinds.is_large_string(of))

    def _type(self, of: Any) -> dict[str, Any]:
        kinds = self._arrow.types
        if kinds.is_dictionary(of):
            of = of.value_type
        if kinds.is_boolean(of):
            return {"type": "bool"}
        if kinds.is_integer(of):
            return {"type": "long"}
        if kinds.is_floating(of):
            return {"type": "float"}
        if kinds.is_timestamp(of) or kinds.is_date(of):
            return {"type": "datetime"}
        return types.TEXT if self._is_text(of) else types.ANY
