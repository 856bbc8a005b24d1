"""Tables: their files are read in this process, with the pandas that it has."""

from __future__ import annotations

from faena.script.proxies import asking
from faena.script.tabular import definition, factory
from faena.script.tabular.dataset import Table
from faena.script.tabular.schema import File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, List, Mapping

_HOME = "faena.helper.tables"


class _TableHere(Table):
    """The rows of a dataset that the helper has."""

    def __init__(self, dataset: Any) -> None:
        super().__init__(definition.from_json(dataset.tabular))
        self._dataset = dataset

    def _files(self) -> List[File]:
        found = asking.current().ask("function", _HOME, "files_of", [self._dataset], {})
        return [File(*each) for each in found]


class ReadHere:
    """Of a TabularDataset."""

    __slots__ = ()

    def to_pandas_dataframe(self, on_error: str = "null", out_of_range_datetime: str = "null") -> Any:
        """All rows; see `faena.script.tabular.dataset.Table`."""
        return _TableHere(self).to_pandas_dataframe(on_error, out_of_range_datetime)

    def to_pandas_chunks(self) -> Iterator[Any]:
        """All rows, as dataframes of some ten thousand rows."""
        return _TableHere(self).to_pandas_chunks()


class MadeHere:
    """Of `Dataset.Tabular`: what a table's columns are is found out by looking at its rows."""

    __slots__ = ()

    @staticmethod
    def from_delimited_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        infer_column_types: bool = True,
        set_column_types: Mapping[str, Any] | None = None,
        separator: str = ",",
        header: Any = True,
        partition_format: str | None = None,
        support_multi_line: bool = False,
        empty_as_string: bool = False,
        encoding: str = "utf8",
        *,
        workspace: Any = None,
    ) -> Any:
        """A dataset of CSV files and their like."""
        options = (validate, include_path, infer_column_types, set_column_types, separator, header)
        more = (partition_format, support_multi_line, empty_as_string, encoding)
        return _made(path, workspace, lambda find: factory.delimited(find, *options, *more))

    @staticmethod
    def from_parquet_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: Mapping[str, Any] | None = None,
        partition_format: str | None = None,
        *,
        workspace: Any = None,
    ) -> Any:
        """A dataset of Parquet files that have the same columns."""
        options = (validate, include_path, set_column_types, partition_format)
        return _made(path, workspace, lambda find: factory.parquet(find, *options))

    @staticmethod
    def from_json_lines_files(
        path: Any,
        validate: bool = True,
        include_path: bool = False,
        set_column_types: Mapping[str, Any] | None = None,
        partition_format: str | None = None,
        invalid_lines: str = "error",
        encoding: str = "utf8",
        *,
        workspace: Any = None,
    ) -> Any:
        """A dataset of files with a JSON object a line. `invalid_lines`: 'error', or 'skip' to leave them out."""
        options = (validate, include_path, set_column_types, partition_format, invalid_lines, encoding)
        return _made(path, workspace, lambda find: factory.json_lines(find, *options))


def _made(path: Any, workspace: Any, define: Callable[[Callable[[], List[File]]], Any]) -> Any:
    def make(find: Callable[[], Any]) -> Any:
        return define(lambda: [File(*each) for each in find()]).to_json()

    return asking.current().ask("function", _HOME, "made", [path, workspace, make], {})
