"""Models that MLflow did not write: what they are by their bytes, and the files that make them loadable."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import pytest
import yaml

from faena.db import Read
from faena.kernel import ids
from faena.mlflow.loadable import formats
from faena.models import local, service
from faena.models.model import Framework
from faena.models.schemas import LocalRegistration, ModelView
from tests.mlflow.clients import Client
from tests.mlflow.registries import VERSIONS
from tests.server.house import Running


@pytest.fixture(scope="module")
def packages() -> Iterator[None]:
    """Modules of those names, whose classes pickles hold."""
    before = dict(sys.modules)
    for name, classes in (
        ("sklearn.linear_model", "LogisticRegression"),
        ("xgboost.core", "Booster"),
        ("net", "Net"),
        ("joblib.numpy_pickle", "NumpyArrayWrapper"),
    ):
        module = ModuleType(name)
        sys.modules[name.partition(".")[0]] = ModuleType(name.partition(".")[0])
        setattr(module, classes, type(classes, (), {"__module__": name, "inner": None}))
        sys.modules[name] = module
    yield
    for name in set(sys.modules) - set(before):
        del sys.modules[name]


def an(name: str, inner: object = None) -> Any:
    module, _, classes = name.rpartition(".")
    made = getattr(sys.modules[module], classes)()
    made.inner = inner
    return made


def archive(entries: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return packed.getvalue()


def recognized(files: Mapping[str, bytes], framework: str = "", **properties: str) -> formats.Found:
    def opened(name: str) -> BinaryIO:
        return io.BytesIO(files[name])

    return formats.recognized(list(files), opened, Framework(framework), properties)


ONNX = b"\x08\x09\x12\x07skl2onx\x3a\x02\x0a\x00\x42\x02\x10\x0d"
BOOSTER = b'{"learner":{"attributes":{%s},"feature_names":[],"gradient_booster":{}}}'
CLASSIFIER = BOOSTER % rb'"scikit_learn":"{\"_estimator_type\": \"classifier\"}"'
KERAS = {"metadata.json": b'{"keras_version": "3.9.0"}', "config.json": b"{}", "model.weights.h5": b""}


@pytest.mark.usefixtures("packages")
class TestKinds:
    @pytest.mark.parametrize(
        ("name", "data", "kind", "module"),
        [
            ("a.onnx", ONNX, "onnx", "mlflow.onnx"),
            ("a.txt", b"tree\nversion=v4\nnum_class=1\n", "lightgbm", "mlflow.lightgbm"),
            ("a.json", BOOSTER % b"", "xgboost", "mlflow.xgboost"),
            ("a.ubj", b"{L" + struct.pack(">q", 7) + b"learner{", "xgboost", "mlflow.xgboost"),
            ("a.h5", b"\x89HDF\r\n\x1a\n....model_config....", "keras", ""),
            ("a.keras", archive(KERAS), "keras", "mlflow.keras"),
            ("a.keras", archive({**KERAS, "metadata.json": b'{"keras_version": "2.15.0"}'}), "keras", ""),
            ("a.pt", archive({"a/data.pkl": b"", "a/constants.pkl": b""}), "torch", "mlflow.pytorch"),
        ],
    )
    def test_of_a_file(self, name: str, data: bytes, kind: str, module: str) -> None:
        found = recognized({name: data})
        assert isinstance(found, formats.Loadable), found
        assert (found.kind, found.module) == (kind, module)

    def test_a_pickle_is_read_without_being_loaded(self) -> None:
        model = an("sklearn.linear_model.LogisticRegression")
        plain = pickle.dumps(model)
        found = recognized({"m.pkl": plain})
        assert isinstance(found, formats.Loadable)
        assert (found.module, found.package) == ("mlflow.sklearn", "scikit-learn")
        assert found.flavors["sklearn"] == {"pickled_model": "m.pkl", "serialization_format": "pickle"}
        arrays = pickle.dumps(
            an("sklearn.linear_model.LogisticRegression", an("joblib.numpy_pickle.NumpyArrayWrapper"))
        )
        for data in (zlib.compress(plain), arrays, plain[:-4]):
            loaded = recognized({"m.pkl": data})  # which joblib can load, and pickle cannot
            assert isinstance(loaded, formats.Loadable)
            assert (loaded.kind, loaded.module, loaded.flavors) == ("sklearn", "", {})

    def test_what_a_classifier_of_xgboost_was_it_is_again(self) -> None:
        found = recognized({"a.json": CLASSIFIER})
        assert isinstance(found, formats.Loadable)
        assert found.flavors["xgboost"]["model_class"] == "xgboost.sklearn.XGBClassifier"

    def test_what_the_user_said_of_a_pickle_counts(self) -> None:
        data = pickle.dumps(an("net.Net"))
        found = recognized({"m.pkl": data}, "ScikitLearn")
        assert isinstance(found, formats.Loadable)
        assert found.modules == ("net",)
        assert "is a pickle of net.Net" in why({"m.pkl": data})

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"\x89HDF\r\n\x1a\n....layer_names", "weights alone"),
            (archive({"l1/W.npy": b""}), "which class of Chainer"),
            (archive({"a.txt": b""}), "a ZIP archive of no kind that is known"),
            (b"PK\x03\x04broken", "cannot be read"),
            (pickle.dumps({"a": 1}), "a pickle of a dictionary"),
            (pickle.dumps([1]), "a pickle of a list"),
            (b"hello", "of no kind that is known"),
            (b"", "of no kind that is known"),
            (b"\x08", "of no kind that is known"),
            (b"\x78\x9cnot zlib", "of no kind that is known"),
            (b"\x80\x04" + b"\x95" * 40, "no model"),
        ],
    )
    def test_what_is_no_model_says_what_it_is(self, data: bytes, said: str) -> None:
        assert said in why({"m.bin": data})

    def test_pickles_that_nobody_else_can_load(self) -> None:
        data = (
            b"\x80\x02csklearn.linear_model\nLogisticRegression\n)\x81}X\x05\x00\x00\x00inner"
            b"c__main__\nOwn\n)\x81sb."
        )
        assert "needs a class of __main__" in why({"m.pkl": data})
        assert "save_model('model.json')" in why({"m.pkl": pickle.dumps(an("xgboost.core.Booster"))})
        both = pickle.dumps((an("sklearn.linear_model.LogisticRegression"), 1))
        assert "a pickle of a tuple" in why({"m.pkl": both})
        weights = archive({"a/data.pkl": pickle.dumps({"w": 1})})
        assert "weights of PyTorch" in why({"m.pt": weights})

    def test_folders(self) -> None:
        saved = recognized({"saved_model.pb": b"", "variables/variables.index": b""})
        assert isinstance(saved, formats.Loadable)
        assert saved.kind == "savedmodel"
        outside = recognized({"m.onnx": ONNX, "weights.bin": b""})
        assert isinstance(outside, formats.Loadable)
        assert outside.file == "m.onnx"
        assert "register the folder" in why({"model/MLmodel": b"", "a.txt": b""})
        assert "a folder of 2 files" in why({"a.txt": b"", "b.txt": b""})


def why(files: Mapping[str, bytes]) -> str:
    found = recognized(files)
    assert isinstance(found, formats.NotLoadable), found
    return found.why


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
