"""What `from_delimited_files` and its like are given, as a definition."""

from __future__ import annotations

from faena.script.errors import UserErrorException
from faena.script.tabular import definition, headers, schema, types
from faena.script.tabular.blocks import encoding_of
from faena.script.tabular.definition import Definition
from faena.script.tabular.partitions import PartitionFormat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Mapping, Optional, Sequence

    from faena.script.tabular.schema import File


def delimited(
    find: Callable[[], Sequence[File]],
    validate: bool,
    include_path: bool,
    infer_column_types: bool,
    set_column_types: Optional[Mapping[str, Any]],
    separator: str,
    header: Any,
    partition_format: Optional[str],
    support_multi_line: bool,
    empty_as_string: bool,
    encoding: str,
) -> Definition:
    """`find`: the files, which are looked at where types are inferred or columns checked."""
    if infer_column_types and not validate:
        raise UserErrorException(
            "validate=False means that no file is looked at, and infer_column_types=True needs that. Give "
            "infer_column_types=False, too, or neither."
        )
    if (
        not isinstance(separator, str)
        or len(separator) != 1
        or not separator.isascii()
        or separator in '"\r\0'
    ):
        raise UserErrorException(
            "The separator is {!r}. Use one ASCII character, such as ',', ';', '|' or '\\t', or '\\n' for one "
            "column of whole lines.".format(separator)
        )
    options = {
        **_common(include_path, set_column_types, partition_format),
        "separator": separator,
        "header": headers.behaviour(header),
        "support_multi_line": bool(support_multi_line),
        "empty_as_string": bool(empty_as_string),
        "encoding": encoding_of(encoding),
        "infer_column_types": bool(infer_column_types),
    }
    made = Definition(definition.DELIMITED, options)
    return schema.look(made, find()) if validate else made


def parquet(
    find: Callable[[], Sequence[File]],
    validate: bool,
    include_path: bool,
    set_column_types: Optional[Mapping[str, Any]],
    partition_format: Optional[str],
) -> Definition:
    made = Definition(definition.PARQUET, _common(include_path, set_column_types, partition_format))
    return schema.look(made, find()) if validate else made


def json_lines(
    find: Callable[[], Sequence[File]],
    validate: bool,
    include_path: bool,
    set_column_types: Optional[Mapping[str, Any]],
    partition_format: Optional[str],
    invalid_lines: str,
    encoding: str,
) -> Definition:
    if invalid_lines not in ("error", "skip"):
        raise UserErrorException("invalid_lines is {!r}. Use 'error' or 'skip'.".format(invalid_lines))
    options = {
        **_common(include_path, set_column_types, partition_format),
        "invalid_lines": invalid_lines,
        "encoding": encoding_of(encoding),
    }
    made = Definition(definition.JSON_LINES, options)
    return schema.look(made, find()) if validate else made


def _common(
    include_path: bool, set_column_types: Optional[Mapping[str, Any]], partition_format: Optional[str]
) -> dict[str, Any]:
    if partition_format is not None:
        PartitionFormat(partition_format)
    return {
        "include_path": bool(include_path),
        "set_column_types": types.said(set_column_types),
        "partition_format": partition_format,
    }
