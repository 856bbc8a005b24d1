"""A workspace at a URL gets and gives bytes: what the handles do there, as in a folder, with no path of this host."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from faena import Cluster, Dataset, Environment, Estimator, Experiment, Model, Workspace
from faena.client.runs import portable
from faena.client.runs.run import Run
from faena.kernel.errors import ExperimentExecutionException, UserErrorException
from tests.cli.terminal import piped
from tests.conftest import shut_down

SCRIPT = """
import hashlib, os, sys
from faena import Run
data = open("data/train.bin", "rb").read()
run = Run.get_context()
run.log("bytes", len(data))
open("outputs/digest.txt", "w").write(hashlib.sha256(data).hexdigest())
open("outputs/copy.bin", "wb").write(data)
print("read", len(data), flush=True)
"""
SIZE = 9 << 20
"""More than one piece of an upload."""


@pytest.fixture(scope="module", autouse=True)
def tools(lasting_workspace: Workspace) -> None:
    """Its server runs with the home of the tests, whatever a test's own client has."""
    lasting_workspace.api.version()


@pytest.fixture
def there(lasting_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The workspace as a client elsewhere has it, whose home and current folder are its own."""
    port = urlsplit(lasting_workspace.api.gateway.open(None).url).port
    token = (lasting_workspace.files.path / "token").read_text().strip()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "elsewhere")
    return Workspace.connect(f"http://127.0.0.1:{port}", token)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace.create("other", tmp_path / "other")
    yield made
    shut_down(made)


def submitted(there: Workspace, data: bytes) -> Run:
    Path("source/data").mkdir(parents=True, exist_ok=True)
    Path("source/train.py").write_text(SCRIPT)
    Path("source/data/train.bin").write_bytes(data)
    cluster = Cluster.get_or_create(there, "cpu", max_nodes=1)
    estimator = Estimator(
        "source",
        entry_script="train.py",
        compute_target=cluster,
        interpreter=sys.executable,
        environment_variables={"API_TOKEN": "hush", "COLOUR": "red"},
    )
    return Experiment(there, "far").submit(estimator)


@pytest.mark.long
def test_a_run_from_submit_to_model_and_elsewhere(
    there: Workspace, other: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = os.urandom(SIZE)
    run = submitted(there, data)
    run.wait_for_completion(show_output=True)
    assert f"read {SIZE}" in capsys.readouterr().out
    assert run.get_metrics() == {"bytes": SIZE}
    assert run.get_portal_url().startswith(there.url)

    run.download_file("outputs/copy.bin", "got/copy.bin")
    assert Path("got/copy.bin").read_bytes() == data
    run.download_files(prefix="outputs", output_directory="all")
    assert Path("all/outputs/copy.bin").read_bytes() == data

    Path("notes.txt").write_text("kept")
    run.upload_file("notes/one.txt", "notes.txt")
    run.upload_folder("folder", "source/data")
    run.download_file("folder/train.bin", "back.bin")
    assert Path("back.bin").read_bytes() == data

    model = run.register_model("far", "outputs/copy.bin")
    assert Path(model.download("model", exist_ok=True)).read_bytes() == data

    exported = run.export("exported")
    assert exported.folder == str(Path("exported").absolute()) and exported.left_out == 0
    here = portable.take(other, "exported")
    assert here.run == run.id
    assert other.get_run(run.id).get_metrics() == run.get_metrics()
    assert portable.take(there, "exported").imported == []  # it is there already, the same
    record = Path("exported/run.json").read_text()
    assert "red" in record and "hush" not in record
    with pytest.raises(ExperimentExecutionException, match=r"had secrets .* only: API_TOKEN"):
        run.rerun()
    assert Path("exported/run.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(UserErrorException, match="is there already"):
        run.export("exported")
    Path("exported/code/train.py").write_text("other")
    with pytest.raises(
        UserErrorException, match=r"'code/train.py' in .*elsewhere/exported is not what it was"
    ):
        portable.take(there, "exported")
    assert not list(Path(other.files.uploads).glob("run-*"))


@pytest.mark.long
def test_a_run_from_elsewhere_is_imported_by_its_bytes(there: Workspace, other: Workspace) -> None:
    with Experiment(other, "brought").start_logging(snapshot_directory=None, outputs=None) as run:
        run.log("loss", 0.25)
    run.export("brought")
    assert portable.take(there, "brought").imported == [run.id]
    assert there.get_run(run.id).get_metrics() == {"loss": 0.25}
    Path("brought/link").symlink_to("/etc/hostname")
    with pytest.raises(UserErrorException, match="link"):
        portable.take(there, "brought")


def test_models_and_data_of_local_files(
    there: Workspace, lasting_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("net/weights").mkdir(parents=True)
    Path("net/weights/a.bin").write_bytes(os.urandom(2 << 20))
    Path("net/config.json").write_text("{}")
    model = Model.register(there, "net", "local", tags={"area": "mnist"})
    assert sorted(file.path for file in there.api.models.get("local", 1).files) == [
        "net/config.json",
        "net/weights/a.bin",
    ]
    got = model.download("models")
    assert Path(got, "weights/a.bin").read_bytes() == Path("net/weights/a.bin").read_bytes()
    single = Model.register(there, "net/config.json", "single")
    assert Path(single.download("single")).read_text() == "{}"

    store = there.get_default_datastore()
    store.upload("net", "data/net")
    store.upload("net", "data/net")  # what is there stays
    assert (
        Path(lasting_workspace.get_default_datastore().folder) / "data/net/config.json"
    ).read_text() == "{}"
    Path("net/config.json").write_text('{"a": 1}')
    store.upload_files(["net/config.json"], target_path="data/net", overwrite=True)
    assert store.download("fetched", prefix="data/net") == 2
    assert Path("fetched/data/net/config.json").read_text() == '{"a": 1}'

    dataset = Dataset.File.from_files("net").register(there, "uploaded")
    assert dataset.to_path() == ["/config.json", "/weights/a.bin"]
    monkeypatch.setattr("faena.data.sources.files_of", None)
    monkeypatch.setattr("faena.client.data.store_files.files_of", None)
    with dataset.mount() as mounted:
        assert Path(mounted.mount_point, "config.json").read_text() == '{"a": 1}'
    assert len(dataset.take(1).to_path()) == 1
    assert dataset.download("dataset", ignore_not_found=True)
    assert Path("dataset/weights/a.bin").read_bytes() == Path("net/weights/a.bin").read_bytes()


def test_a_package_from_a_disk_is_sent(there: Workspace, shared_home: Path) -> None:
    wheel = Path("tool-1.0-py3-none-any.whl")
    wheel.write_bytes(os.urandom(1000))
    Path("requirements.txt").write_text(f"./{wheel}\n")
    environment = Environment.from_pip_requirements("far", "requirements.txt")
    environment.register(there)
    archive = there.api.environment("far", None).definition.request.archives[0]
    assert (shared_home / "archives" / archive.digest / wheel.name).read_bytes() == wheel.read_bytes()
    shutil.rmtree(shared_home / "archives" / archive.digest)


@pytest.mark.long
def test_what_needs_the_servers_host_says_so(there: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UserErrorException, match=r"Submit a script with experiment\.submit"):
        Experiment(there, "far").start_logging()
    assert not Path("outputs").exists()
    token = there.api.transport.server.headers["Authorization"].removeprefix("Bearer ")
    done = piped(tmp_path, "-w", there.url, "backup", str(tmp_path / "backup"), given={"FAENA_TOKEN": token})
    assert done.returncode == 1
    assert b"Ask for it on the machine where the server runs." in b" ".join(done.stderr.split())
    assert not (tmp_path / "backup").exists()


def test_tables(there: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from bytes that the server sends, split, written, and kept under a name with their steps."""
    Path("rows.csv").write_text("n,shop\n" + "".join(f"{n},s{n % 3}\n" for n in range(500)))
    store = there.get_default_datastore()
    store.upload_files(["rows.csv"], target_path="tables")
    monkeypatch.setattr("faena.data.sources.files_of", None)
    monkeypatch.setattr("faena.client.data.store_files.files_of", None)
    table = Dataset.Tabular.from_delimited_files((store, "tables/rows.csv"))
    chosen = table.filter(table["n"] >= 490).register(there, "chosen rows")
    again = Dataset.get_by_name(there, "chosen rows")
    assert list(again.to_pandas_dataframe()["n"]) == list(range(490, 500))
    first, rest = table.random_split(0.5, seed=1)
    assert len(first.to_pandas_dataframe()) + len(rest.to_pandas_dataframe()) == 500
    kept = chosen.to_csv_files().register(there, "kept rows")
    assert len(Dataset.Tabular.from_delimited_files(kept.download("kept")).to_pandas_dataframe()) == 10
    local = Dataset.Tabular.from_delimited_files("rows.csv").take(3).register(there, "local rows")
    seen = Dataset.get_by_id(there, str(local.id))
    assert seen.to_pandas_dataframe()["n"].tolist() == [0, 1, 2]
