"""The files that make a model loadable which MLflow did not write."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from faena.db import Read
from faena.environments.model import Interpreter, Lock
from faena.kernel import ids
from faena.mlflow.loadable import packages
from faena.models import local, service
from faena.models.schemas import LocalRegistration, ModelView
from tests.mlflow.clients import Client
from tests.mlflow.registries import VERSIONS
from tests.mlflow.test_model_formats import ONNX, archive
from tests.server.house import Running


class TestFiles:
    def test_are_there_beside_the_registered_ones(
        self, client: Client, server: Running, tmp_path: Path
    ) -> None:
        path = tmp_path / "m.onnx"
        path.write_bytes(ONNX)
        address = registered(client, server, "loadable", path, framework="Onnx", framework_version="1.20")
        names = {entry["path"] for entry in entries(client, address)}
        assert names == {"m.onnx", "MLmodel", "requirements.txt", "python_env.yaml", "conda.yaml"}
        told = yaml.safe_load(sent(client, address, "MLmodel"))
        assert told["flavors"]["python_function"]["loader_module"] == "mlflow.onnx"
        assert (told["flavors"]["onnx"]["data"], told["model_size_bytes"]) == ("m.onnx", len(ONNX))
        assert sent(client, address, "requirements.txt") == "onnxruntime\nmlflow\n"
        assert sent(client, address, "m.onnx").encode() == ONNX

    def test_mlflows_page_asks_for_them(self, client: Client, server: Running, tmp_path: Path) -> None:
        path = tmp_path / "m.onnx"
        path.write_bytes(ONNX)
        registered(client, server, "on its page", path)
        asked = "/model-versions/get-artifact?name=on%20its%20page&version=1&path="
        assert client.visitor.get(asked + "m.onnx").text.encode() == ONNX
        assert "python_function" in client.visitor.get(asked + "MLmodel").text
        assert client.visitor.get(asked + "other").status == 404
        assert client.visitor.get(asked + "../m.onnx").status == 400
        assert client.visitor.get("/model-versions/get-artifact?path=MLmodel").status == 400

    def test_change_nothing_of_what_is_registered(
        self, client: Client, server: Running, tmp_path: Path
    ) -> None:
        path = tmp_path / "m.onnx"
        path.write_bytes(ONNX)
        address = registered(client, server, "untouched", path)
        sent(client, address, "MLmodel")
        client.post("registered-models/create", name="copy of it")
        made = client.post(f"{VERSIONS}/create", name="copy of it", source=address)["model_version"]
        there = [
            [(file.path, file.digest) for file in view.files]
            for view in server.do(
                server.house.database.read(lambda read: views(read, "untouched", "copy of it"))
            )
        ]
        assert there == [[("m.onnx", hashlib.sha256(ONNX).hexdigest())]] * 2
        assert made["source"] == address

    def test_say_why_it_cannot_be_loaded(self, client: Client, server: Running, tmp_path: Path) -> None:
        path = tmp_path / "net.npz"
        path.write_bytes(archive({"l1/W.npy": b""}))
        address = registered(client, server, "arrays", path)
        told = yaml.safe_load(sent(client, address, "MLmodel"))
        assert "properties={'link': 'module:Class'}" in told["flavors"]["faena"]["cannot_be_loaded"]
        loader = told["flavors"]["python_function"]["loader_module"].replace(".", "/")
        assert "cannot be loaded by MLflow" in sent(client, address, f"code/{loader}.py")
        assert not [each for each in entries(client, address) if each["path"] == "requirements.txt"]
        linked = registered(client, server, "linked", path, properties={"link": "nets:Net"})
        flavors = yaml.safe_load(sent(client, linked, "MLmodel"))["flavors"]
        assert flavors["faena"] == {"kind": "chainer", "data": "net.npz", "options": {"link": "nets:Net"}}

    def test_files_that_are_damaged_are_listed_all_the_same(
        self, client: Client, server: Running, tmp_path: Path
    ) -> None:
        path = tmp_path / "m.onnx"
        path.write_bytes(ONNX + b"to be lost")
        address = registered(client, server, "lost", path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        [kept] = server.house.folder.objects.rglob(f"*{digest[-40:]}")
        kept.unlink()
        assert {"m.onnx", "MLmodel"} <= {entry["path"] for entry in entries(client, address)}
        assert "cannot be read here" in sent(client, address, "MLmodel")

    def test_are_not_made_where_mlflow_wrote_the_model(
        self, client: Client, server: Running, tmp_path: Path
    ) -> None:
        folder = tmp_path / "model"
        folder.mkdir()
        (folder / "MLmodel").write_text("flavors: {}")
        address = registered(client, server, "by mlflow", folder)
        assert [entry["path"] for entry in entries(client, address)] == ["MLmodel"]
        assert sent(client, address, "MLmodel") == "flavors: {}"


def registered(client: Client, server: Running, name: str, path: Path, **fields: Any) -> str:
    """Where MLflow's clients find a model that was registered by our words."""
    house = server.house
    asked = LocalRegistration(str(path), **fields)
    server.do(local.register(house.database, house.objects, house.clock, name, ids.new_request_id(), asked))
    found = client.get(f"{VERSIONS}/get-download-uri", name=name, version=1)["artifact_uri"]
    return str(found)


def entries(client: Client, address: str) -> list[dict[str, Any]]:
    path = address.removeprefix("mlflow-artifacts:/").replace("%", "%25")
    answer = client.visitor.get(f"/api/2.0/mlflow-artifacts/artifacts?path={path.replace(' ', '%20')}")
    found: list[dict[str, Any]] = json.loads(answer.text)["files"]
    return found


def sent(client: Client, address: str, name: str) -> str:
    answer = client.visitor.get(
        f"/api/2.0/mlflow-artifacts/artifacts/{address.removeprefix('mlflow-artifacts:/')}/{name}"
    )
    assert answer.status == 200, answer.text
    return answer.text


def views(read: Read, *names: str) -> list[ModelView]:
    return [service.view(read, service.get(read, name, 1)) for name in names]


class TestPackages:
    def test_are_those_of_the_run_that_made_it(self) -> None:
        text = (
            "numpy==2.1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
            "scikit-learn==1.7.2 \\\n    --hash=sha256:cc\n"
            "uvloop==0.21 ; sys_platform != 'win32' \\\n    --hash=sha256:dd\n"
        )
        lock = Lock(Interpreter("/usr/bin/python3", "3.11.7", "CPython"), "linux", text, (), "a" * 64)
        found, python = packages.of_lock(lock, "scikit-learn", "1.0")
        assert found == [
            "numpy==2.1.0",
            "scikit-learn==1.7.2",
            "uvloop==0.21 ; sys_platform != 'win32'",
            "mlflow",
        ]
        assert (python, packages.version_of(found, "scikit-learn")) == ("3.11.7", "1.7.2")
        files = packages.files(found, python)
        assert files["requirements.txt"].decode().splitlines() == found
        assert yaml.safe_load(files["python_env.yaml"]) == {
            "python": "3.11.7",
            "dependencies": ["-r requirements.txt"],
        }
        assert yaml.safe_load(files["conda.yaml"])["dependencies"] == ["python=3.11.7", "pip", {"pip": found}]

    def test_are_those_of_its_kind_where_nobody_knows(self) -> None:
        assert packages.of_lock(None, "xgboost", "3.0.1") == (["xgboost==3.0.1", "mlflow"], "")
        assert packages.of_lock(None, "torch", "") == (["torch", "mlflow"], "")
