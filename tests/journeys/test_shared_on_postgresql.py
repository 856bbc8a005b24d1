"""A shared server whose database is PostgreSQL: the main job, and who may not have that database."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from faena import Cluster, Estimator, Experiment, Model, Workspace
from faena.backups.schemas import BackupRequest
from faena.kernel.errors import UserErrorException, WorkspaceException
from faena.testing.postgresql import Server
from faena.workspaces import database_place
from tests.conftest import shut_down
from tests.people.shared import Shared
from tests.server.house import running

pytestmark = [pytest.mark.postgresql, pytest.mark.long]


@pytest.fixture
def url(postgresql_server: Server) -> Iterator[str]:
    with postgresql_server.database() as found:
        yield found


def test_the_main_job(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace.create("team", tmp_path / "team")
    database_place.choose(workspace.files.path, url)
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(
        "from faena import Run\n"
        "run = Run.get_context()\n"
        "[run.log('loss', 1 / (1 + step)) for step in range(200)]\n"
        "open('outputs/model', 'w').write('weights')\n"
    )
    cluster = Cluster.get_or_create(workspace, "cpu", max_nodes=1)
    run = Experiment(workspace, "far").submit(
        Estimator(".", entry_script="train.py", compute_target=cluster, interpreter=sys.executable)
    )
    assert run.wait_for_completion()["status"] == "Completed"
    assert len(run.get_metrics()["loss"]) == 200
    assert run.register_model("net", model_path="outputs/model").version == 1
    assert Model(workspace, "net").version == 1
    assert not (workspace.files.path / "faena.db").exists()
    assert stat.S_IMODE((workspace.files.path / database_place.RECORD).stat().st_mode) == 0o600
    backups = workspace.api.backups
    backup = backups.start("b1", BackupRequest(str(tmp_path / "backup")))
    while backup.state == "copying":
        backup = backups.look("b1", 5.0)
    assert (backup.state, backup.error) == ("done", "")
    shut_down(workspace)


def test_another_workspace_may_not_have_it(url: str, tmp_path: Path) -> None:
    def choose(folder: Path) -> None:
        database_place.choose(folder, url)

    with running(tmp_path / "one", prepare=choose, settings=Shared.settings()):
        pass
    with (
        pytest.raises(WorkspaceException, match="that of another workspace"),
        running(tmp_path / "two", prepare=choose),
    ):
        pass


class TestChoosing:
    def test_one_with_runs_stays_where_they_are(self, tmp_path: Path) -> None:
        (tmp_path / "faena.db").write_bytes(b"SQLite")
        with pytest.raises(WorkspaceException, match="faena server move-database"):
            database_place.choose(tmp_path, "postgresql://faena@db/faena")

    def test_a_new_password_is_the_same_database(self, tmp_path: Path) -> None:
        database_place.choose(tmp_path, "postgresql://faena:old@db:5432/faena")
        database_place.is_ours(tmp_path)
        database_place.choose(tmp_path, "postgresql://faena:new@db:5432/faena")
        assert urlsplit(str(database_place.place(tmp_path))).password == "new"
        with pytest.raises(WorkspaceException) as told:
            database_place.choose(tmp_path, "postgresql://faena:new@db:5432/other")
        assert "new@" not in told.value.message
        assert (
            database_place.shown("postgresql://faena:new@db:5432/faena?x=1") == "postgresql://db:5432/faena"
        )

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "mysql://a/b",
            "postgresql://host",
            "postgresql://a,b:x/n",
            "postgresql://[/x",
            "postgresql://h/" + "x" * 5000,
        ],
    )
    def test_what_is_no_database(self, tmp_path: Path, url: str) -> None:
        with pytest.raises(UserErrorException, match="name of a database"):
            database_place.check(url)

    def test_a_replica_beside_it_is_the_same_database(self, tmp_path: Path) -> None:
        database_place.choose(tmp_path, "postgresql://faena@db1/faena")
        database_place.is_ours(tmp_path)
        database_place.choose(tmp_path, "postgresql://faena:word@db1,db2:5433/faena")
        assert database_place.shown(str(database_place.place(tmp_path))) == "postgresql://db1,db2:5433/faena"
        with pytest.raises(WorkspaceException, match="db1,db2:5433/faena, not at postgresql://db3/faena"):
            database_place.choose(tmp_path, "postgresql://db3/faena")
