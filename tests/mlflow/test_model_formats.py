"""What registered files are, by their bytes: what MLflow's clients can load, and why not the rest."""

from __future__ import annotations

import bz2
import io
import lzma
import pickle
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, BinaryIO

import pytest

from faena.mlflow.loadable import formats
from faena.models.model import Framework


@pytest.fixture(scope="module")
def classes() -> Iterator[None]:
    """Modules of those names, whose classes pickles hold."""
    before = dict(sys.modules)
    for name, called in (
        ("sklearn.linear_model", "LogisticRegression"),
        ("xgboost.core", "Booster"),
        ("net", "Net"),
        ("joblib.numpy_pickle", "NumpyArrayWrapper"),
    ):
        module = ModuleType(name)
        sys.modules[name.partition(".")[0]] = ModuleType(name.partition(".")[0])
        setattr(module, called, type(called, (), {"__module__": name, "inner": None}))
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


@pytest.mark.usefixtures("classes")
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

    def test_files_that_end_anywhere(self) -> None:
        model = pickle.dumps(
            an("sklearn.linear_model.LogisticRegression", [an("net.Net"), 1 << 80, b"x", "y"])
        )
        whole = [
            model,
            zlib.compress(model),
            lzma.compress(model),
            bz2.compress(model),
            archive(KERAS),
            ONNX,
            CLASSIFIER,
        ]
        for data in whole:
            for end in range(len(data)):
                found = recognized({"m.bin": data[:end]})
                assert isinstance(found, formats.Loadable) or found.why

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
