"""Frames into files, a chunk at a time."""

from __future__ import annotations

from faena.script.errors import UserErrorException
from faena.script.tabular.frames import is_text, pandas, pyarrow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Optional


def csv(frames: Iterator[Any], path: str, separator: str = ",") -> None:
    """With a header, in UTF-8. A file that was begun is written anew."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        for number, frame in enumerate(frames):
            frame.to_csv(file, sep=separator, index=False, header=number == 0)


def parquet(frames: Iterator[Any], path: str, row_group_size: Optional[int] = None) -> None:
    """Of the columns and types of the first frame. Raises UserErrorException for what cannot be kept."""
    arrow = pyarrow("Writing Parquet")
    writer = schema = None
    try:
        for frame in frames:
            try:
                table, schema = _table(arrow, frame, schema)
            except (arrow.ArrowException, TypeError, ValueError) as error:
                raise UserErrorException(
                    "The rows cannot be kept as Parquet: {}. Give the column one type, or write CSV.".format(
                        str(error)[:300]
                    )
                ) from None
            if writer is None:
                writer = arrow.parquet.ParquetWriter(path, schema)
            writer.write_table(
                table, **({} if row_group_size is None else {"row_group_size": row_group_size})
            )
    finally:
        if writer is not None:
            writer.close()


def _table(arrow: Any, frame: Any, schema: Any) -> tuple[Any, Any]:
    frame = frame.copy(deep=False)
    frame.columns = [str(name) for name in frame.columns]
    if schema is None:
        schema = arrow.schema([(name, _type(arrow, frame[name])) for name in frame.columns])
    for field in schema:
        if arrow.types.is_string(field.type) and is_text(frame[field.name].dtype):
            frame[field.name] = frame[field.name].astype(object).map(_text)
    return arrow.Table.from_pandas(frame, schema=schema, preserve_index=False, safe=False), schema


def _type(arrow: Any, column: Any) -> Any:
    """Of nullable columns: a later chunk may have nulls where the first has none."""
    dtype = column.dtype
    if str(dtype) == "category":
        dtype = column.cat.categories.dtype
    if str(dtype).startswith("datetime64"):
        return arrow.timestamp("us")
    if str(dtype) == "bool":
        return arrow.bool_()
    if str(dtype) == "object" and _all(column, bool):
        return arrow.bool_()
    if str(dtype) == "object" and _all(column, bytes):
        return arrow.binary()
    if is_text(dtype):
        return arrow.string()
    kind = getattr(dtype, "kind", "")
    return {"i": arrow.int64(), "u": arrow.uint64(), "f": arrow.float64()}.get(kind) or arrow.array(
        column
    ).type


def _all(column: Any, kind: type) -> bool:
    there = column[column.notna()]
    return bool(len(there)) and all(isinstance(value, kind) for value in there)


def _text(value: Any) -> Any:
    import json

    if value is None or isinstance(value, str):
        return value
    if hasattr(value, "tolist") and getattr(value, "ndim", None):
        value = value.tolist()
    if isinstance(value, (dict, list)):
        return json.dumps(value, default=_plain)
    return None if pandas().isna(value) else str(value)


def _plain(value: Any) -> Any:
    """Of what JSON has no word for, in lists and objects."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
