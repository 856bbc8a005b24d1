"""The most used words of `azureml.dataprep`."""

from __future__ import annotations

from pathlib import Path

import azureml.dataprep as dprep
import pytest
from azureml.exceptions import NotCovered, UserErrorException

from faena_azureml.dataprep import Dataflow


@pytest.fixture
def crimes(tmp_path: Path) -> str:
    path = tmp_path / "crimes.csv"
    path.write_text(
        "ID,Date,Cost,Cost Center,Arrest\n1,31.05.2019,1.5,a,true\n2,01.06.2019,,,false\n3,,x,c,true\n"
    )
    return str(path)


def test_texts_unless_types_are_inferred(crimes: str) -> None:
    assert dprep.read_csv(crimes).to_pandas_dataframe()["ID"].tolist() == ["1", "2", "3"]
    assert dprep.read_csv(crimes, infer_column_types=True).dtypes["ID"] == "int64"
    flow = dprep.auto_read_file(crimes)
    assert flow.dtypes["Arrest"] == "bool"
    assert len(flow.head(2)) == 2
    assert (flow.row_count, flow.skip(1).take(1).row_count) == (3, 1)


def test_types_that_are_given(crimes: str) -> None:
    flow = dprep.read_csv(crimes).to_number("Cost").to_datetime("Date", ["%d.%m.%Y"]).to_bool(["Arrest"])
    found = flow.set_column_types({"ID": dprep.FieldType.INTEGER}).to_pandas_dataframe()
    assert [str(of) for of in found.dtypes] == ["int64", "datetime64[ns]", "float64", "object", "bool"]
    assert found["Cost"].isna().tolist() == [False, True, True]
    assert flow.to_string("Cost").head(1)["Cost"].tolist() == ["1.5"]


def test_columns_and_rows(crimes: str) -> None:
    flow = dprep.auto_read_file(crimes)
    assert list(flow.drop_columns(dprep.ColumnSelector("cost", ignore_case=True)).head().columns) == [
        "ID",
        "Date",
        "Arrest",
    ]
    assert list(flow.keep_columns(["ID"]).rename_columns({"ID": "id"}).head().columns) == ["id"]
    with pytest.raises(UserErrorException, match="one name"):
        flow.rename_columns({"ID": "Cost"})
    chosen = flow.filter(dprep.f_and(dprep.col("ID") > 1, dprep.f_not(dprep.col("Cost").is_null())))
    assert chosen.to_pandas_dataframe()["ID"].tolist() == [3]
    pair = ["Cost", "Cost Center"]
    assert flow.drop_nulls(pair, dprep.ColumnRelationship.ALL).row_count == 2
    assert flow.drop_nulls([*pair, "Date"], dprep.ColumnRelationship.ANY).row_count == 1
    first, rest = flow.random_split(0.5, seed=2)
    assert first.row_count + rest.row_count == 3


def test_what_is_written(crimes: str, tmp_path: Path) -> None:
    flow = dprep.auto_read_file(crimes).keep_columns(["ID"])
    flow.write_to_csv(directory_path=dprep.LocalFileOutput(str(tmp_path / "out"))).run_local()
    assert (tmp_path / "out" / "part-00000.csv").read_text() == "ID\n1\n2\n3\n"
    with pytest.raises(UserErrorException, match="nothing to do"):
        flow.run_local()


def test_what_is_not_there(crimes: str) -> None:
    with pytest.raises(NotCovered, match=r"Dataflow\.summarize.*pandas"):
        dprep.auto_read_file(crimes).summarize()
    with pytest.raises(NotCovered, match="read_sql"):
        dprep.read_sql  # noqa: B018  asking for it is what raises
    assert isinstance(dprep.read_csv(crimes), Dataflow)
