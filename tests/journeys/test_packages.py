"""A packaged model is served where nothing else is: another folder, an empty HOME, a bare PATH."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from faena import CondaDependencies, Environment, InferenceConfig, LocalWebservice, Model, Workspace
from faena.client.packaging import engines
from faena.environments import pruning
from faena.environments.schemas import PruneRequest
from faena.kernel.errors import WebserviceException
from faena.testing.shutdown import end_endpoints
from faena.testing.waiting import until
from tests.cli.terminal import within
from tests.environments.packages import make_wheel

SCRIPT = """import json, os
import greeting
from azureml.core.model import Model

def init():
    global weights
    print("it begins with", os.environ["NUMBER"], os.environ.get("API_TOKEN"))
    weights = open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "m.bin")).read()
    assert open(Model.get_model_path("m")).read() == weights

def run(data):
    return {"weights": weights, "sum": sum(json.loads(data)["data"]), "by": greeting.__name__}
"""


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Iterator[Workspace]:
    yield lasting_workspace
    end_endpoints(lasting_workspace)


@pytest.fixture(scope="module")
def model(lasting_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("weights") / "m.bin"
    path.write_text("w")
    return Model.register(lasting_workspace, path, "m")


class Served:
    """`./serve` of a package that was moved, by a Python and uv alone."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        home = folder.parent / "home"
        home.mkdir(exist_ok=True)
        uv = Path(sys.executable).with_name("uv")
        cache = subprocess.run(
            [uv, "cache", "dir"], capture_output=True, text=True, check=True
        ).stdout.strip()
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_"))}
        search = [str(Path(sys.executable).parent), "/usr/bin", "/bin"]
        variables = {"HOME": str(home), "PATH": ":".join(search), "UV_CACHE_DIR": cache, **kept}
        self.out = folder.parent / "out"
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [folder / "serve", "--port", "0", *arguments], env=variables, cwd="/", stdout=out, stderr=out
            )

    @property
    def said(self) -> str:
        return self.out.read_text()

    def ask(self, body: str, key: str | None) -> tuple[int, bytes]:
        found = re.search(r"answers at http://localhost:(\d+)/score", self.said)
        assert found is not None
        connection = HTTPConnection("localhost", int(found[1]), timeout=30)
        connection.request("POST", "/score", body, {} if key is None else {"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        try:
            return answer.status, answer.read()
        finally:
            connection.close()

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@pytest.mark.long
def test_it_answers_as_the_endpoint_does(
    workspace: Workspace, model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "score.py").write_text(SCRIPT)
    environment = Environment("packed")
    environment.python.conda_dependencies = CondaDependencies.create(
        pip_packages=[str(make_wheel(tmp_path, "greeting"))]
    )
    environment.environment_variables = {"NUMBER": "7", "API_TOKEN": "s3cret"}
    inference = InferenceConfig("score.py", source_directory=source, environment=environment)
    service = Model.deploy(workspace, "packed", [model], inference)
    package = Model.package(workspace, [model], inference, generate_dockerfile=True)
    package.wait_for_creation(show_output=True)
    assert (package.state, package.location, package.model_ids) == ("Succeeded", "m:1", ["m:1"])
    package.save(tmp_path / "made")
    package.save(tmp_path / "made")  # in the place of the one before
    service.wait_for_deployment()
    lock = service.view.revisions[0].lock or ""
    pruned = pruning.prune(PruneRequest((lock,)), frozenset(), 0)  # as from a folder that is no workspace
    assert [(each.digest, each.held_by) for each in pruned.kept] == [(lock, "a process")]

    folder = tmp_path / "elsewhere" / "moved"
    folder.parent.mkdir()
    (tmp_path / "made").rename(folder)
    texts = [path.read_bytes() for path in folder.rglob("*") if path.is_file() and "wheels" not in path.parts]
    for secret in (str(tmp_path), str(workspace.folder), "s3cret"):
        assert not any(secret.encode() in text for text in texts)
    assert "expects API_TOKEN" in (folder / "README.md").read_text()
    assert (folder / "Dockerfile").read_text().startswith(f"FROM python:3.{sys.version_info.minor}-slim\n")

    served = Served(folder)
    try:
        until(lambda: "keys are asked for" in served.said, "it answers")
        keys = json.loads((folder / "state" / "keys.json").read_text())
        assert (folder / "state" / "keys.json").stat().st_mode & 0o077 == 0
        body = '{"data": [1, 2]}'
        status, answer = served.ask(body, keys["secondary"])
        assert (status, json.loads(answer)) == (200, service.run(body))
        assert json.loads(answer) == {"weights": "w", "sum": 3, "by": "greeting"}
        assert served.ask(body, None)[0] == 401
        until(lambda: "it begins with 7 None" in served.said, "what workers print is shown")
    finally:
        assert served.end() == 0


@pytest.mark.long
def test_a_model_that_does_not_load_says_why(workspace: Workspace, model: Model, tmp_path: Path) -> None:
    workspace.write_config(tmp_path)
    (tmp_path / "score.py").write_text(
        "def init():\n    raise ValueError('no such layer')\n\ndef run(data): pass\n"
    )
    done = within(
        tmp_path,
        "package",
        "m",
        "--script",
        "score.py",
        "--source",
        ".",
        "--user-managed",
        "-o",
        "made",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "made"
    assert json.loads(done.stdout) == {
        "name": "m",
        "state": "Succeeded",
        "location": "m:1",
        "modelIds": ["m:1"],
        "folder": str(folder),
    }
    assert "./serve --python PATH" in (folder / "README.md").read_text()
    served = Served(folder, "--python", sys.executable, "--no-auth")
    assert served.process.wait(120) == 1
    assert "Failed: " in served.said
    assert "ValueError: no such layer" in served.said


@pytest.mark.long
def test_what_is_not_written(
    workspace: Workspace, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "score.py").write_text(SCRIPT)
    environment = Environment("own")
    environment.python.user_managed_dependencies = True
    package = Model.package(
        workspace, [model], InferenceConfig(tmp_path / "score.py", environment=environment)
    )
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(WebserviceException, match="holds something else"):
        package.save(tmp_path / "full")
    monkeypatch.setattr(engines, "found", lambda: None)
    with pytest.raises(WebserviceException, match="docker, podman or buildah"):
        package.pull()
    with pytest.raises(WebserviceException, match="models is empty"):
        Model.package(workspace, [], InferenceConfig(tmp_path / "score.py", environment=environment))
    configuration = LocalWebservice.deploy_configuration(workers=3, timeout_seconds=5)
    Model.package(
        workspace,
        [model],
        InferenceConfig(tmp_path / "score.py", environment=environment),
        deployment_config=configuration,
    ).save(tmp_path / "made")
    described = json.loads((tmp_path / "made" / "package.json").read_text())
    assert (described["workers"]["workers"], described["limits"]["timeout_s"]) == (3, 5.0)
