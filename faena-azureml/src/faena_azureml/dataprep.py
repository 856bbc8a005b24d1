"""v1's data preparation engine, `azureml.dataprep`: its most used words, over the engine of tabular datasets.

A Dataflow is an unregistered table: nothing is read before rows are asked for, and each step gives a new one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faena.client.data.dataset import Dataset, PromoteHeadersBehavior, TabularDataset
from faena.kernel.errors import UserErrorException
from faena.script.tabular.expressions import Column, Expression, condition
from faena.script.tabular.types import DataType
from faena_azureml import old_datasets
from faena_azureml.not_covered import not_covered


class PromoteHeadersMode:
    """Which files begin with the names of the columns."""

    NONE = PromoteHeadersBehavior.NO_HEADERS
    CONSTANTGROUPED = PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS
    GROUPED = PromoteHeadersBehavior.COMBINE_ALL_FILES_HEADERS
    UNGROUPED = PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS


class ColumnRelationship:
    """Whether a condition holds for any column or for all of them."""

    ANY = "any"
    ALL = "all"


class FieldType:
    """Types of columns, for `set_column_types`."""

    STRING = DataType.to_string()
    DECIMAL = DataType.to_float()
    INTEGER = DataType.to_long()
    BOOLEAN = DataType.to_bool()
    DATE = DataType.to_datetime()


class ColumnSelector:
    """Columns by a part of their names: `ColumnSelector('Cost', use_regex=False, ignore_case=True)`."""

    def __init__(
        self,
        term: str,
        use_regex: bool = False,
        ignore_case: bool = False,
        match_whole_word: bool = False,
        invert: bool = False,
    ) -> None:
        text = term if use_regex else re.escape(term)
        try:
            self._pattern = re.compile(
                rf"\b(?:{text})\b" if match_whole_word else text, re.IGNORECASE if ignore_case else 0
            )
        except re.error as error:
            raise UserErrorException(f"{term[:80]!r} is no regular expression: {error}.") from None
        self._invert = invert

    def of(self, names: Sequence[str]) -> list[str]:
        """Those that it means."""
        return [name for name in names if bool(self._pattern.search(name)) != self._invert]


class LocalFileOutput(os.PathLike[str]):
    """A folder of this machine, to write into."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(Path(self._path).expanduser())


class Dataflow:
    """A table and what is done with it. Make it with `read_csv`, `auto_read_file` and their like."""

    def __init__(self, table: TabularDataset, target: tuple[str, str, str] | None = None) -> None:
        """For the functions of `azureml.dataprep`."""
        self._table = table
        self._target = target

    def to_pandas_dataframe(self, extended_types: bool = False, nulls_as_nan: bool = True) -> Any:
        """All rows."""
        return self._table.to_pandas_dataframe()

    def head(self, count: int = 10) -> Any:
        """Its first rows, as a dataframe."""
        return self._table.take(count).to_pandas_dataframe()

    @property
    def row_count(self) -> int:
        return sum(map(len, self._table.to_pandas_chunks()))

    @property
    def dtypes(self) -> dict[str, str]:
        """The types of the columns, by name."""
        return {name: str(of) for name, of in self.head(200).dtypes.items()}

    def take(self, count: int) -> Dataflow:
        return Dataflow(self._table.take(count))

    def skip(self, count: int) -> Dataflow:
        return Dataflow(self._table.skip(count))

    def take_sample(self, probability: float, seed: int | None = None) -> Dataflow:
        return Dataflow(self._table.take_sample(probability, seed))

    def random_split(self, percentage: float, seed: int | None = None) -> tuple[Dataflow, Dataflow]:
        first, rest = self._table.random_split(percentage, seed)
        return Dataflow(first), Dataflow(rest)

    def keep_columns(self, columns: Any, validate_column_exists: bool = False) -> Dataflow:
        return Dataflow(self._table.keep_columns(self._names(columns)))

    def drop_columns(self, columns: Any) -> Dataflow:
        return Dataflow(self._table.drop_columns(self._names(columns)))

    def rename_columns(self, column_pairs: Mapping[str, str]) -> Dataflow:
        """`{'old': 'new'}`."""
        return Dataflow(self._table.rename_columns(column_pairs))

    def filter(self, expression: Expression) -> Dataflow:
        """`dataflow.filter(col('age') > 18)`."""
        return Dataflow(self._table.filter(expression))

    def drop_nulls(self, columns: Any, column_relationship: str = ColumnRelationship.ALL) -> Dataflow:
        """Without the rows in which all of the columns are null, or any of them."""
        nulls = [Column(name).is_null() for name in self._names(columns)]
        join = f_and if column_relationship == ColumnRelationship.ALL else f_or
        return self.filter(~join(*nulls))

    def to_number(self, columns: Any, decimal_point: str = ".") -> Dataflow:
        return self._typed(columns, DataType.to_float(decimal_point))

    def to_long(self, columns: Any) -> Dataflow:
        return self._typed(columns, DataType.to_long())

    def to_bool(self, columns: Any) -> Dataflow:
        return self._typed(columns, DataType.to_bool())

    def to_string(self, columns: Any) -> Dataflow:
        return self._typed(columns, DataType.to_string())

    def to_datetime(self, columns: Any, date_time_formats: Sequence[str] | None = None) -> Dataflow:
        return self._typed(columns, DataType.to_datetime(date_time_formats))

    def set_column_types(self, type_conversions: Mapping[str, Any]) -> Dataflow:
        """`{'price': FieldType.DECIMAL}`."""
        made = self
        for name, of in type_conversions.items():
            if not isinstance(of, DataType):
                raise UserErrorException(f"{of!r} is no type of a column. Use one of FieldType.")
            made = made._typed([name], of)
        return made

    def write_to_csv(self, directory_path: Any, separator: str = ",") -> Dataflow:
        """Says where `run_local()` writes it: a folder, or LocalFileOutput of one."""
        return self._written(directory_path, "csv", separator)

    def write_to_parquet(self, file_path: Any = None, directory_path: Any = None) -> Dataflow:
        """Likewise; the file is in the folder."""
        return self._written(directory_path if directory_path is not None else file_path, "parquet", ",")

    def run_local(self) -> None:
        """Write what was said by `write_to_csv` and `write_to_parquet`."""
        if self._target is None:
            raise UserErrorException(
                "There is nothing to do: say what by write_to_csv(LocalFileOutput('folder'))."
            )
        folder, kind, separator = self._target
        made = self._table.to_csv_files(separator) if kind == "csv" else self._table.to_parquet_files()
        made.download(folder, overwrite=True)

    def _written(self, folder: Any, kind: str, separator: str) -> Dataflow:
        if not isinstance(folder, (str, os.PathLike)):
            raise UserErrorException(
                f"{folder!r} is no folder of this machine. Use LocalFileOutput('folder')."
            )
        return Dataflow(self._table, (os.fspath(folder), kind, separator))

    def __getitem__(self, name: str) -> Column:
        return self._table[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise not_covered(f"azureml.dataprep.Dataflow.{name}")

    def __repr__(self) -> str:
        return f"Dataflow({self._table!r})"

    def _names(self, columns: Any) -> list[str]:
        if isinstance(columns, ColumnSelector):
            return columns.of(list(self._table.take(1).to_pandas_dataframe().columns))
        return [columns] if isinstance(columns, str) else [str(name) for name in columns]

    def _typed(self, columns: Any, of: DataType) -> Dataflow:
        return Dataflow(self._table.with_column_types(dict.fromkeys(self._names(columns), of)))


def read_csv(
    path: Any,
    separator: str = ",",
    header: Any = PromoteHeadersMode.CONSTANTGROUPED,
    encoding: str = "utf8",
    quoting: bool = False,
    inference_arguments: Any = None,
    skip_rows: int = 0,
    skip_mode: Any = None,
    comment: str | None = None,
    include_path: bool = False,
    archive_options: Any = None,
    infer_column_types: bool = False,
    verify_exists: bool = True,
    partition_format: str | None = None,
) -> Dataflow:
    """A table of delimited files. All columns are text unless `infer_column_types`."""
    return Dataflow(
        old_datasets.from_delimited_files(
            path,
            separator,
            header,
            encoding,
            quoting,
            infer_column_types or inference_arguments is not None,
            skip_rows,
            skip_mode,
            comment,
            include_path,
            archive_options,
            partition_format,
        )
    )


def auto_read_file(path: Any, include_path: bool = False) -> Dataflow:
    """A table of what the file is; the types of columns are those of its first rows."""
    return Dataflow(old_datasets.auto_read_files(path, include_path))


def read_json(path: Any, include_path: bool = False, encoding: str = "utf8") -> Dataflow:
    """A table of files with a JSON object a line."""
    return Dataflow(Dataset.Tabular.from_json_lines_files(path, include_path=include_path, encoding=encoding))


def read_parquet_file(path: Any, include_path: bool = False) -> Dataflow:
    """A table of Parquet files."""
    return Dataflow(old_datasets.from_parquet_files(path, include_path))


def read_pandas_dataframe(
    df: Any, temp_folder: str | None = None, overwrite_ok: bool = True, in_memory: bool = False
) -> Dataflow:
    """A table of a dataframe, which is kept as Parquet in the folder."""
    return Dataflow(old_datasets.from_pandas_dataframe(df, temp_folder))


def col(name: str) -> Column:
    """A column, for conditions: `dataflow.filter(col('age') > 18)`."""
    return Column(name)


def f_and(*conditions: Expression) -> Expression:
    """Whether all hold."""
    return _joined("and", conditions)


def f_or(*conditions: Expression) -> Expression:
    """Whether one holds."""
    return _joined("or", conditions)


def f_not(given: Expression) -> Expression:
    """Whether it does not hold."""
    return Expression(["not", condition(given)])


def _joined(word: str, conditions: Sequence[Expression]) -> Expression:
    if not conditions:
        raise UserErrorException(f"f_{word} needs a condition. Use one such as col('age') > 18.")
    tree = condition(conditions[0])
    for each in conditions[1:]:
        tree = [word, tree, condition(each)]
    return Expression(tree)
