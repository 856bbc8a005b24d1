"""JSON lines, Parquet, and the operations on rows and columns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from faena.client.data.dataset import Dataset, DataType, TabularDataset
from faena.kernel.errors import DatasetTimestampMissingError, NotCovered, UserErrorException
from faena.script.tabular import definition, json_lines
from tests.tabular.conftest import Made, rows, types

Lines = Callable[..., TabularDataset]


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    def make(content: str, **options: Any) -> TabularDataset:
        (tmp_path / "a.jsonl").write_text(content)
        return Dataset.Tabular.from_json_lines_files(str(tmp_path / "a.jsonl"), **options)

    return make


class TestJsonLines:
    def test_types_are_those_of_json(self, lines: Lines) -> None:
        made = lines(
            '{"n": 1, "x": 1.5, "t": true, "s": "007", "d": "2019-05-31", "o": {"k": [1]}}\n\n{"n": null}\n'
        )
        assert types(made)["d"] == "datetime64[ns]"
        first, second = rows(made)
        assert first == (1.0, 1.5, True, "007", datetime(2019, 5, 31), {"k": [1]})
        assert second == (None,) * 6

    def test_a_later_value_of_another_type_makes_the_column_text(self, lines: Lines) -> None:
        made = lines('{"n": 1}\n' * 300 + '{"n": [2]}\n')
        assert (rows(made)[0], rows(made)[300]) == (("1",), ("[2]",))

    @pytest.mark.parametrize("late", [1, 300])
    @pytest.mark.parametrize("first", ["1", "1.5"])
    def test_whole_numbers_of_more_than_64_bits_are_not_rounded(
        self, lines: Lines, first: str, late: int
    ) -> None:
        made = lines(f'{{"n": {first}}}\n' * late + '{"n": 99999999999999999999}\n')
        assert rows(made)[late - 1 :] == [(first,), ("99999999999999999999",)]

    def test_what_is_told_is_what_the_file_has(
        self, lines: Lines, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rows(lines('{"n": 1}\n' * 300 + '{"n": 9007199254740993}\n{"n": null}\n'))
        assert "'9007199254740993'" in capsys.readouterr().err

    def test_later_names_are_columns_too(self, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(json_lines, "_ROWS", 100)
        made = lines('{"n": 1}\n' * 300 + '{"m": 2, "n": 1}\n' + '{"k": "x"}\n' * 200)
        frame = made.to_pandas_dataframe()
        assert list(frame.columns) == ["n", "m", "k"]
        assert (frame["m"].sum(), frame["k"].notna().sum(), len(frame)) == (2, 200, 501)

    @pytest.mark.parametrize("bad", ["x", "[1]", "3", '{"n": ', "[" * 100_000])
    def test_a_line_that_is_no_object(self, lines: Lines, bad: str) -> None:
        content = '{"n": 1}\r\n\r\n' + bad + '\r\n{"n": 2}\r\n'
        with pytest.raises(
            UserErrorException, match=r"a\.jsonl, line 3: .* is no JSON object.*invalid_lines='skip'"
        ):
            lines(content)
        assert rows(lines(content, invalid_lines="skip")) == [(1,), (2,)]
        with pytest.raises(UserErrorException, match="'error' or 'skip'"):
            lines(content, invalid_lines="ignore")


class TestParquet:
    @pytest.fixture
    def parquet(self, tmp_path: Path) -> Callable[..., TabularDataset]:
        def make(*tables: dict[str, Any], **options: Any) -> TabularDataset:
            for number, table in enumerate(tables):
                pq.write_table(pa.table(table), tmp_path / f"{number}.parquet")
            paths = [str(tmp_path / f"{number}.parquet") for number in range(len(tables))]
            return Dataset.Tabular.from_parquet_files(paths, **options)

        return make

    def test_types(self, parquet: Callable[..., TabularDataset]) -> None:
        made = parquet(
            {
                "n": pa.array([1, 2], pa.int32()),
                "f": pa.array([1.5, None], pa.float32()),
                "t": [True, None],
                "s": ["a", None],
                "d": pa.array([datetime(2019, 5, 31), None], pa.timestamp("ms")),
                "l": [[1], []],
            }
        )
        assert types(made) == {
            "n": "int64", "f": "float64", "t": "object", "s": "object", "d": "datetime64[ns]", "l": "object",
        }  # fmt: skip
        assert rows(made)[0][:5] == (1, 1.5, True, "a", datetime(2019, 5, 31))

    def test_nested_ones_are_written_again(self, parquet: Callable[..., TabularDataset]) -> None:
        made = parquet({"l": [[1, 2], None], "o": [{"k": [1.5]}, None], "b": [b"\xff", None]})
        kept = Dataset.Tabular.from_parquet_files(made.to_parquet_files().download())
        assert rows(kept) == [("[1, 2]", '{"k": [1.5]}', b"\xff"), (None, None, None)]

    def test_files_of_other_columns_or_types(self, parquet: Callable[..., TabularDataset]) -> None:
        with pytest.raises(
            UserErrorException, match=r"0\.parquet lacks a column 'm', and .*1\.parquet has it"
        ):
            parquet({"n": [1]}, {"n": [1], "m": [2]})
        assert rows(parquet({"n": [1], "m": [1]}, {"m": [2.5], "n": ["x"]})) == [("1", 1.0), ("x", 2.5)]

    def test_said_types(self, parquet: Callable[..., TabularDataset]) -> None:
        assert rows(parquet({"n": [1, None]}, set_column_types={"n": DataType.to_string()})) == [
            ("1",),
            (None,),
        ]

    def test_whole_numbers_that_floats_would_round_beside_nulls(
        self, parquet: Callable[..., TabularDataset], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert rows(parquet({"n": [2**53 + 1, None]})) == [(str(2**53 + 1),), (None,)]
        assert f"row 1: '{2**53 + 1}'" in capsys.readouterr().err

    def test_so_they_are_inside_lists_and_objects(self, parquet: Callable[..., TabularDataset]) -> None:
        long = 2**53 + 1
        made = parquet(
            {"o": [{"k": long}, None], "l": [[long, None], None], "d": [[{"k": long}, None], None]}
        )
        assert rows(made)[0] == ({"k": long}, [long, None], [{"k": long}, None])
        assert [value.tolist() for (value,) in rows(parquet({"l": [[1, 2], [3]]}))] == [[1, 2], [3]]

    def test_what_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "a.parquet").write_text("a,b\n")
        with pytest.raises(
            UserErrorException, match=r"a\.parquet cannot be read as Parquet.*from_delimited_files"
        ):
            Dataset.Tabular.from_parquet_files(str(tmp_path / "a.parquet"))

    def test_what_was_written_is_read_again(self, csv: Made) -> None:
        made = csv("n,f,t,s,d\n1,1.5,True,x,2019-05-31\n,,,,\n")
        kept = Dataset.Tabular.from_parquet_files(made.to_parquet_files().download())
        pd.testing.assert_frame_equal(kept.to_pandas_dataframe(), made.to_pandas_dataframe())
        texts = Dataset.Tabular.from_delimited_files(made.to_csv_files().download())
        pd.testing.assert_frame_equal(texts.to_pandas_dataframe(), made.to_pandas_dataframe())


class TestOperations:
    @pytest.fixture
    def table(self, csv: Made) -> TabularDataset:
        return csv("n,s,when\n" + "".join(f"{n},s{n % 3},2019-05-{n + 1:02d}\n" for n in range(30)))

    def test_rows(self, table: TabularDataset) -> None:
        assert [row[0] for row in rows(table.skip(3).take(2))] == [3, 4]
        assert rows(table.take(0)) == []
        first, rest = table.random_split(0.7, seed=5)
        assert sorted([*rows(first), *rows(rest)]) == rows(table)
        assert rows(first) == rows(table.take_sample(0.7, seed=5))
        unseeded = table.take_sample(0.5)
        assert rows(unseeded) == rows(unseeded)
        for count in (-1, 1.5, True, "3"):
            with pytest.raises(UserErrorException, match="number of rows"):
                table.take(count)  # type: ignore[arg-type]  # a user's mistake
        for share in (-0.1, 1.1, "x", True):
            with pytest.raises(UserErrorException, match="share"):
                table.random_split(share)  # type: ignore[arg-type]  # a user's mistake

    def test_columns(self, table: TabularDataset) -> None:
        assert list(table.keep_columns(["s", "n"]).to_pandas_dataframe().columns) == ["s", "n"]
        assert list(table.drop_columns("s").to_pandas_dataframe().columns) == ["n", "when"]
        for given in (table.keep_columns, table.drop_columns):
            with pytest.raises(
                UserErrorException, match=r"'x', and there is no such column. There are: n, s, when"
            ):
                given(["x"])
        with pytest.raises(UserErrorException, match="no such column"):
            table.drop_columns("s").keep_columns("s")

    def test_conditions(self, table: TabularDataset) -> None:
        chosen = table.filter((table["n"] >= 27) & ~(table["s"] == "s1") | (table["n"] == 0))
        assert [row[0] for row in rows(chosen)] == [0, 27, 29]
        assert [row[0] for row in rows(table.filter(table["when"] < datetime(2019, 5, 3)))] == [0, 1]
        assert len(rows(table.filter(table["s"].is_null()))) == 0
        for bad in (True, "n > 3", table["n"] > "x"):
            with pytest.raises(UserErrorException):
                table.filter(bad).to_pandas_dataframe()  # type: ignore[arg-type]  # a user's mistake
        with pytest.raises(UserErrorException, match="join conditions by &"):
            bool(table["n"] > 3)

    def test_times(self, table: TabularDataset) -> None:
        with pytest.raises(DatasetTimestampMissingError, match="with_timestamp_columns"):
            table.time_after(datetime(2019, 5, 3))
        timed = table.with_timestamp_columns("when")
        assert timed.timestamp_columns == ("when", None)
        day = datetime(2019, 5, 3)
        assert [row[0] for row in rows(timed.time_before(day))] == [0, 1, 2]
        assert [row[0] for row in rows(timed.time_before(day, include_boundary=False))] == [0, 1]
        assert [row[0] for row in rows(timed.time_between(day, datetime(2019, 5, 4)))] == [2, 3]
        aware = datetime(2019, 5, 29, 1, tzinfo=timezone(timedelta(hours=1)))
        assert [row[0] for row in rows(timed.time_after(aware))] == [28, 29]
        assert rows(timed.time_recent(timedelta(days=1))) == []
        assert timed.drop_columns("when").timestamp_columns == (None, None)
        with pytest.raises(UserErrorException, match="is of the type string, not datetime"):
            table.with_timestamp_columns("s")

    def test_a_dataset_is_never_changed_and_outlives_its_json(self, table: TabularDataset) -> None:
        made = table.take(3).drop_columns("s").filter(table["n"] > 0)
        assert len(rows(table)) == 30
        again = definition.from_json(made.tabular)
        assert again.to_json() == made.tabular
        with pytest.raises(UserErrorException, match="newer"):
            definition.from_json({**made.tabular, "format": 2})

    def test_what_is_not_there_says_what_to_use(self, table: TabularDataset) -> None:
        with pytest.raises(NotCovered, match="read_sql"):
            Dataset.Tabular.from_sql_query("select 1")
        with pytest.raises(NotCovered, match="to_parquet_files"):
            table.to_dask_dataframe()
