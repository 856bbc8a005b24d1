"""Environments of runs, from submit to script: built once, with the user's indexes, their passwords kept nowhere."""

from __future__ import annotations

import base64
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from faena import Cluster, CondaDependencies, Environment, Estimator, Experiment, Run, Workspace
from faena.environments import folders
from tests.conftest import shut_down
from tests.environments.packages import make_project, make_sdist, make_wheel
from tests.examples import long_form
from tests.files import holding

SECRET = "s3cr3t-word"
AUTHORIZED = "Basic " + base64.b64encode(f"reader:{SECRET}".encode()).decode()
BUILD_LOG = "azureml-logs/20_image_build_log.txt"


class Index:
    """An index on this machine that holds `thing` and remembers what it was asked; also answers as a proxy does."""

    def __init__(self, wheel: Path, *, password: bool) -> None:
        asked = self.asked = list[str]()

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                place = self.path.partition("://")[2].partition("/")[2] or self.path
                if password and self.headers["Authorization"] != AUTHORIZED:
                    self._answer(401, b"", "text/plain")
                elif place.strip("/").endswith("simple/thing"):
                    link = f'<a href="/files/{wheel.name}">{wheel.name}</a>'
                    self._answer(200, link.encode(), "text/html")
                elif place.endswith(wheel.name):
                    self._answer(200, wheel.read_bytes(), "application/zip")
                else:
                    self._answer(404, b"", "text/plain")

            def do_HEAD(self) -> None:
                self.do_GET()

            def _answer(self, status: int, body: bytes, kind: str) -> None:
                self.send_response(status)
                if status == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="packages"')
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.place = f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interpreters_asked: Path) -> Path:
    """A state folder of this test's own; no index but the test's."""
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copy(interpreters_asked, folder)
    monkeypatch.setenv("FAENA_HOME", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def project(home: Path, tmp_path: Path) -> Iterator[Workspace]:
    """Its server starts at the first call, with the variables that the test has set by then."""
    made = Workspace.create("test", tmp_path / "project")
    yield made
    shut_down(made)


def submit(workspace: Workspace, source: Path, environment: Environment) -> Run:
    source.mkdir(exist_ok=True)
    (source / "train.py").write_text("import thing\nprint('thing', thing.VERSION)\n")
    cluster = Cluster.get_or_create(workspace, "local", max_nodes=2)
    estimator = Estimator(
        source, compute_target=cluster, entry_script="train.py", environment_definition=environment
    )
    return Experiment(workspace, "env").submit(estimator)


def with_packages(**given: object) -> Environment:
    environment = Environment("mine")
    environment.python.conda_dependencies = CondaDependencies.create(**given)  # type: ignore[arg-type]  # by name
    return environment


def log_of(workspace: Workspace, run: Run, name: str) -> str:
    with workspace.api.open_file(run.id, name) as parts:
        return b"".join(parts).decode()


@pytest.mark.long
def test_a_password_serves_the_build_and_is_kept_nowhere(
    project: Workspace, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    index = Index(make_wheel(tmp_path / "served", "thing"), password=True)
    try:
        url = f"http://reader:{SECRET}@{index.place}/simple"
        run = submit(project, tmp_path / "source", with_packages(pip_packages=["thing"], pip_indexurl=url))
        assert run.wait_for_completion()["status"] == "Completed"
    finally:
        index.close()
    assert holding(SECRET, home, project.folder / ".faena") == []


@pytest.mark.parametrize("variable", ["PIP_INDEX_URL", long_form("UV_DEFAULT_INDEX")])
@pytest.mark.long
def test_the_users_index_reaches_the_builder(
    project: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    index = Index(make_wheel(tmp_path / "served", "thing"), password=False)
    monkeypatch.setenv(variable, f"http://{index.place}/simple")
    try:
        run = submit(project, tmp_path / "source", with_packages(pip_packages=["thing"]))
        assert run.wait_for_completion()["status"] == "Completed"
    finally:
        index.close()
    assert "/simple/thing/" in index.asked


@pytest.mark.long
def test_the_users_proxy_reaches_the_builder(
    project: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Index(make_wheel(tmp_path / "served", "thing"), password=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.place}")
    monkeypatch.setenv(
        "PIP_INDEX_URL", "http://packages.invalid/simple"
    )  # a name that nobody but a proxy knows
    try:
        run = submit(project, tmp_path / "source", with_packages(pip_packages=["thing"]))
        assert run.wait_for_completion()["status"] == "Completed"
    finally:
        proxy.close()
    assert "http://packages.invalid/simple/thing/" in proxy.asked


class TestOfPackagesAtHand:
    @pytest.fixture(autouse=True)
    def packages(self, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "packages"
        folder.mkdir()
        monkeypatch.setenv("UV_OFFLINE", "1")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("UV_FIND_LINKS", str(folder))
        return folder

    @pytest.mark.long
    def test_runs_that_ask_at_once_build_once(
        self, project: Workspace, tmp_path: Path, packages: Path
    ) -> None:
        built = tmp_path / "built"
        body = f"with open({str(built)!r}, 'a') as file:\n    file.write('once ')\ntime.sleep(0.3)"
        make_sdist(packages, "slow", body)
        make_wheel(packages, "thing")
        asked = with_packages(pip_packages=["slow", "thing"])
        runs = [submit(project, tmp_path / "source", asked) for _ in range(4)]
        assert [run.wait_for_completion()["status"] for run in runs] == ["Completed"] * 4
        assert built.read_text() == "once "
        assert len({run.refresh().lock for run in runs}) == 1
        assert len([path for path in folders.envs().iterdir() if path.is_dir()]) == 1
        assert "slow==1.0" in log_of(project, runs[0], BUILD_LOG)

    @pytest.mark.long
    def test_a_list_in_the_source_folder_is_offered_and_its_package_built_when_asked(
        self, project: Workspace, tmp_path: Path, packages: Path
    ) -> None:
        make_wheel(packages, "thing")
        source = tmp_path / "source"
        source.mkdir()
        make_project(source / "pkg")
        (source / "requirements.txt").write_bytes("-e ./pkg\r\n".encode("utf-16"))
        (source / "train.py").write_text(
            "try:\n import my_own\nexcept ImportError:\n print('none')\nelse:\n print(my_own.X)"
        )
        Cluster.get_or_create(project, "local", max_nodes=1)
        unasked = {"compute_target": "local", "entry_script": "train.py"}
        for given, printed in (
            ({}, "none"),
            ({}, "none"),
            ({"pip_requirements_file": "requirements.txt"}, "1"),
        ):
            run = Experiment(project, "env").submit(Estimator(source, **unasked, **given))  # type: ignore[arg-type]  # given by name
            assert run.wait_for_completion()["status"] == "Completed"
            assert log_of(project, run, "azureml-logs/70_driver_log.txt").strip() == printed
            said = log_of(project, run, BUILD_LOG)
            assert ("requirements.txt in the source folder is not used" in said) == (not given)
        assert [each["name"] for each in project.api.records.lock(run.id)["archives"]] == ["my-own"]

    @pytest.mark.long
    def test_what_could_not_be_had_as_asked_is_said(
        self, project: Workspace, tmp_path: Path, packages: Path
    ) -> None:
        for name in ("thing", "msgspec", "numpy", "pandas", "requests"):
            make_wheel(packages, name)
        asked = with_packages(
            pip_packages=["azureml-defaults", "thing"], conda_packages=["mkl"], python_version="3.6.2"
        )
        run = submit(project, tmp_path / "source", asked)
        assert run.wait_for_completion()["status"] == "Completed"
        [note] = run.refresh().notes
        assert note.code == "environment"
        assert "3.6.2" in note.message
        said = log_of(project, run, BUILD_LOG)
        for part in ("3.6.2", "azureml-defaults", "mkl"):
            assert part in said
