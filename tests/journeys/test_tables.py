"""Tabular datasets in runs: the script finds the dataset that the notebook described."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena import Dataset, Datastore, Workspace
from faena.kernel.errors import Conflict, UserErrorException
from tests.journeys import data
from tests.journeys.scripts import Project

SCRIPT = """
import sys
from faena import Run
run = Run.get_context()
table = run.input_datasets["sales"]
print("columns", list(table.to_pandas_dataframe().columns))
print("rows", [tuple(row) for row in table.keep_columns(["n", "shop"]).to_pandas_dataframe().values.tolist()])
first, rest = table.random_split(0.5, seed=1)
print("split", len(first.to_pandas_dataframe()) + len(rest.to_pandas_dataframe()))
print("id", table.id == sys.argv[1], table.filter(table["n"] > 2).to_csv_files().to_path())
"""


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


@pytest.fixture
def store(workspace: Workspace, tmp_path: Path) -> Datastore:
    """With two files of sales, of a folder a year."""
    for year, lines in {"2018": "1,Bonn\n2,Ulm\n", "2019": "3,Bonn\n4,\n"}.items():
        (tmp_path / "given" / "sales" / year).mkdir(parents=True)
        (tmp_path / "given" / "sales" / year / "part.csv").write_text("n,shop\n" + lines)
    store = workspace.get_default_datastore()
    store.upload(tmp_path / "given", show_progress=False, overwrite=True)
    return store


@pytest.mark.long
def test_a_script_reads_the_rows(project: Project, store: Datastore) -> None:
    made = Dataset.Tabular.from_delimited_files(
        (store, "sales/**/part.csv"), partition_format="/{year}/part.csv"
    )
    made = made.filter(made["n"] < 4)
    named = made.as_named_input("sales")
    run = data.run(project, SCRIPT, [named], [named])
    log = data.driver_log(run)
    assert run.get_status() == "Completed", log or str(run.get_details()["error"])
    assert "columns ['year', 'n', 'shop']\n" in log
    assert "rows [(1, 'Bonn'), (2, 'Ulm'), (3, 'Bonn')]\n" in log
    assert "split 3\n" in log
    assert f"id {True} ['/part-00000.csv']\n" in log
    found = (
        run.input_datasets["sales"]
        if run.input_datasets
        else Dataset.get_by_id(project.workspace, str(made.id))
    )
    assert found.to_pandas_dataframe().equals(made.to_pandas_dataframe())


def test_a_registered_one_is_found_with_its_steps(workspace: Workspace, store: Datastore) -> None:
    made = Dataset.Tabular.from_delimited_files((store, "sales/2018/part.csv"))
    first = made.take(1).register(workspace, "sales", tags={"of": "2018"})
    assert (first.version, first.tags) == (1, {"of": "2018"})
    assert made.take(1).register(workspace, "sales").id == first.id
    with pytest.raises(Conflict, match="other columns or steps"):
        made.take(2).register(workspace, "sales")
    second = made.take(2).register(workspace, "sales", create_new_version=True)
    assert len(Dataset.get_by_name(workspace, "sales").to_pandas_dataframe()) == 2
    assert len(Dataset.get_by_name(workspace, "sales", version=1).to_pandas_dataframe()) == 1
    assert Dataset.get_by_id(workspace, str(second.id)).version == 2
    with pytest.raises(UserErrorException, match="to_csv_files"):
        second.as_named_input("sales").as_mount()
    second.unregister_all_versions()


def test_what_is_written_is_in_the_datastore(workspace: Workspace, store: Datastore) -> None:
    made = Dataset.Tabular.from_delimited_files((store, "sales/2019/part.csv"))
    kept = made.to_parquet_files().register(workspace, "sales of 2019")
    (path,) = kept.download()
    assert Dataset.Tabular.from_parquet_files(path).to_pandas_dataframe().equals(made.to_pandas_dataframe())
