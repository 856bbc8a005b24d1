"""Models that need no scoring script."""

from __future__ import annotations

import json
import pickle
import subprocess
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faena.scoring.status import State
from faena.scoring.worker.kinds import given, loading
from tests.examples import long_form
from tests.scoring.pools import run, site, until

NET = """
import chainer
import chainer.functions as F
import chainer.links as L
class Net(chainer.Chain):
    def __init__(self, hidden=4):
        super().__init__()
        with self.init_scope():
            self.l1 = L.Linear(None, hidden)
            self.l2 = L.Linear(hidden, 2)
    def forward(self, x):
        return self.l2(F.relu(self.l1(x)))
"""


def of_kind(folder: Path, kind: str, **options: Any) -> dict[str, Any]:
    return {"entry": None, "kind": kind, "model_dir": str(folder), "options": options}


@pytest.mark.long
def test_a_chainer_file_with_the_class_of_its_link(
    chainer_python: Callable[[str], Path], tmp_path: Path
) -> None:
    python = str(chainer_python("7.8.1"))
    app = tmp_path / "app"
    model = tmp_path / "model"
    model.mkdir()
    app.mkdir()
    (app / "net.py").write_text(NET)
    train = """
import sys, chainer, numpy as np, chainer.links as L, json
from net import Net
model = L.Classifier(Net()) if sys.argv[2] == "wrapped" else Net()
net = model.predictor if sys.argv[2] == "wrapped" else model
x = np.arange(12, dtype=np.float32).reshape(4, 3)
print(json.dumps(net(x).array.tolist()))
chainer.serializers.save_npz(sys.argv[1], model)
"""

    async def test() -> None:
        for form in ("plain", "wrapped"):
            made = subprocess.run(
                [python, "-c", train, str(model / "model.npz"), form],
                cwd=app,
                stdout=subprocess.PIPE,
                check=True,
            )
            expected = np.array(json.loads(made.stdout.splitlines()[-1]))
            rows = np.arange(12, dtype=np.float32).reshape(4, 3).tolist()
            settings = of_kind(model, "chainer", link="net:Net") | {"max_batch_size": 8, "python": python}
            async with site(tmp_path, **settings) as here:
                for row in rows:
                    here.ask(json.dumps({"data": [row]}))
                await here.answered()
                found = np.array([asked.json[0] for asked in here.asked])
                assert np.allclose(found, expected, atol=1e-5)
                said = await here.call(json.dumps({"instances": rows}), "invocations")
                assert np.allclose(said.json["predictions"], expected, atol=1e-5)
                refused = await here.call('{"data": "x"}')
                assert refused.status == 400 and "'data' is refused" in refused.json["message"]

    run(test)


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("kind", "name", "options", "said"),
    [
        ("chainer", "object.npz", {"link": "net:Net"}, "x in it is no plain array"),
        long_form("chainer", "plain.npz", {}, "link='module:Class'"),
        ("sklearn", "model.pkl", {}, "Say trust=True"),
        long_form("sklearn", "model.pkl", {"trust": "yes"}, "Say trust=True"),
        long_form("mlflow", "folder", {}, "Say trust=True"),
        ("mlflow", "plain.npz", {"trust": True}, "no file MLmodel"),
        long_form("onnx", "plain.npz", {}, "onnx"),
        ("tensorflow", "plain.npz", {}, "'tensorflow' is no kind that needs no script"),
    ],
)
def test_what_is_not_to_be_loaded_is_refused(
    kind: str, name: str, options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    evil = tmp_path / "evil"
    if name == "folder":
        (model / "inner").mkdir()
        (model / "inner" / "MLmodel").write_text("flavors: {}")
    elif name.endswith(".pkl"):
        (model / name).write_bytes(pickle.dumps(Evil(str(evil))))
    elif name.startswith("object"):
        np.savez(model / name, x=np.array([Evil(str(evil))], dtype=object))
    else:
        np.savez(model / name, x=np.zeros(3))

    async def test() -> None:
        async with site(tmp_path, wait=False, **of_kind(model, kind, **options)) as here:
            await until(lambda: here.pool.state == State.FAILED, "the revision has failed")
            assert here.pool.error is not None and said in here.pool.error.message, here.pool.error
            assert not evil.exists()

    run(test)


class Evil:
    """Writes a file where it is unpickled."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return Path.touch, (Path(self._path),)


RUNTIME = """
class SessionOptions: pass

class Tensor:
    def __init__(self, name, type, shape):
        self.name, self.type, self.shape = name, type, shape

class InferenceSession:
    def __init__(self, path, settings, providers): pass
    def get_inputs(self): return [Tensor("X", "tensor(float)", ["N", 2])]
    def get_outputs(self): return [Tensor("sum", "tensor(int64)", [None])]
    def run(self, outputs, data): return [data["X"].sum(axis=1).astype("int64")]
"""


def test_the_one_input_of_a_model_is_data_whatever_it_calls_it(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "onnxruntime.py").write_text(RUNTIME)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "m.onnx").write_bytes(b"")

    async def test() -> None:
        async with site(tmp_path, **of_kind(tmp_path / "model", "onnx")) as here:
            for name in ("data", "X"):
                assert (await here.call(json.dumps({name: [[1, 2], [3, 4]]}))).json == [3, 7]
            for body, said in (
                ({"Y": [[1, 2]]}, "The model takes X; 'X' was not given."),
                ({"data": [[1, 2]], "X": [[1, 2]]}, "The model takes X; 'data' was given."),
                ([[1, 2]], "The body is list, and an object with the model's inputs, or data, is expected."),
            ):
                refused = await here.call(json.dumps(body))
                assert (refused.status, refused.json["message"]) == (400, said)
            assert here.pool.description["tensors"] == {
                "inputs": [{"name": "X", "datatype": "FP32", "shape": [-1, 2]}],
                "outputs": [{"name": "sum", "datatype": "INT64", "shape": [-1]}],
            }
            asked = {"inputs": [{"name": "X", "datatype": "FP32", "shape": [1, 2], "data": [1, 2]}]}
            for wanted in ({}, {"outputs": [{"name": "sum"}]}):
                answer = await here.call(json.dumps(asked | wanted), "v2-infer", path="/v2/models/m/infer")
                assert [each["name"] for each in answer.json["outputs"]] == ["sum"]
            unknown = json.dumps(asked | {"outputs": [{"name": "mean"}]})
            refused = await here.call(unknown, "v2-infer", path="/v2/models/m/infer")
            assert refused.status == 400
            assert refused.json["message"] == "There is no output 'mean': there is sum."

    run(test)


LEARNED = """
import numpy
class Model:
    def predict(self, data): return numpy.asarray(data).sum(axis=1)
    def predict_proba(self, data): return numpy.asarray(data) / 10
    def fit(self, data): raise AssertionError
    transform = None
"""


def test_a_pickle_is_asked_as_v1_asked_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "learned.py").write_text(LEARNED)
    monkeypatch.syspath_prepend(tmp_path / "app")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "m.pkl").write_bytes(pickle.dumps(import_module("learned").Model()))
    settings = of_kind(tmp_path / "model", "sklearn", trust=True) | {"max_batch_size": 8}

    async def test() -> None:
        async with site(tmp_path, **settings) as here:
            bodies: list[tuple[dict[str, Any], Any]] = [
                ({"data": [[1, 2]]}, [3]),
                ({"data": [[1, 2], [3, 4]], "method": "predict"}, {"predict": [3, 7]}),
                ({"method": "predict_proba", "data": [[1, 2]]}, {"predict_proba": [[0.1, 0.2]]}),
                ({"data": [[5, 6], [7, 8]], "method": "predict"}, {"predict": [11, 15]}),
                ({"data": [[3, 3]]}, [6]),
            ]
            for body, _ in bodies:
                here.ask(json.dumps(body))
            await here.answered()
            assert [asked.json for asked in here.asked] == [expected for _, expected in bodies]
            for method in ("fit", "transform", "__class__", 3, None, ["predict"]):
                refused = await here.call(json.dumps({"data": [[1, 2]], "method": method}))
                assert refused.status == 400, method
                assert "Use one of predict, predict_proba." in refused.json["message"]
            refused = await here.call('{"method": "predict"}')
            assert refused.json["message"] == "The model takes data; 'data' was not given."

    run(test)


@pytest.mark.parametrize(
    ("link", "todo"), [("no_such_net.deep:Net", "source_directory="), ("other:Net", "environment=")]
)
def test_a_module_that_is_not_there_is_told_with_what_to_do(link: str, todo: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=rf"No module named 'no_such_net'\. .*{todo}"):
        loading.explained(lambda: given.attribute("no_such_net:Net"), {"link": link})


LOGGED = """
import sys, types

class MlflowException(Exception):
    def __init__(self, message): self.message = message
    def get_http_status_code(self): return 400

exceptions = types.SimpleNamespace(MlflowException=MlflowException)

named = types.SimpleNamespace(params=[types.SimpleNamespace(name="n")])

class Model:
    metadata = types.SimpleNamespace(get_input_schema=lambda: None, get_params_schema=lambda: named)
    def predict(self, data, params=None):
        if isinstance(data, dict) and "messages" in data:
            return {"said": [each["content"] for each in data["messages"]], "more": sorted(data), "n": params}
        if isinstance(data, dict) and "prompt" in data: return data["prompt"]
        if isinstance(data, dict): return data["X"].sum(axis=1)
        if getattr(data, "ndim", 2) == 3: return data.sum(axis=(1, 2))
        if "b" not in getattr(data, "columns", "b"): raise MlflowException("Model is missing inputs ['b'].")
        return data.to_numpy().sum(axis=1) * (params or {}).get("times", 1)

pyfunc = types.ModuleType("mlflow.pyfunc")
pyfunc.load_model = lambda path: Model()
sys.modules["mlflow.pyfunc"] = pyfunc
__path__ = []
"""
"""What of MLflow's the worker asks."""


@pytest.mark.long
def test_mlflows_model_is_asked_as_mlflows_server_is(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "mlflow.py").write_text(LOGGED)
    (tmp_path / "model" / "m").mkdir(parents=True)
    (tmp_path / "model" / "m" / "MLmodel").write_text("flavors: {}")
    settings = of_kind(tmp_path / "model", "mlflow", trust=True) | {"max_batch_size": 8}
    rows = {"dataframe_records": [{"a": 1, "b": 2}]}

    async def test() -> None:
        async with site(tmp_path, **settings) as here:
            bodies: list[tuple[dict[str, Any], Any]] = [
                (rows, [3]),
                ({**rows, "params": {"times": 5}}, [15]),  # whose rows are run apart from the others'
                ({**rows, "params": {"times": 2}}, [6]),
                ({"instances": [[[1, 2], [3, 4]]]}, [10]),
                ({"inputs": {"a": 1, "b": 2}}, [3]),
                ({"inputs": {"X": [[1, 2], [3, 4]]}}, [3, 7]),
                (rows, [3]),
            ]
            for body, _ in bodies:
                here.ask(json.dumps(body), "invocations")
            await here.answered()
            assert [asked.json["predictions"] for asked in here.asked] == [found for _, found in bodies]
            talk = {"messages": [{"role": "user", "content": "why"}], "temperature": 1}
            for body, whole in (
                (talk, {"said": ["why"], "more": ["messages", "temperature"], "n": None}),
                ({**talk, "n": 2}, {"said": ["why"], "more": ["messages", "temperature"], "n": {"n": 2}}),
                ({"prompt": "why"}, "why"),
            ):
                here.ask(json.dumps(body), "invocations")
                here.ask(json.dumps(rows), "invocations")
                await here.answered()
                assert [asked.json for asked in here.asked[-2:]] == [whole, {"predictions": [3]}]
            for body, said in (
                (
                    {**talk, "stream": True},
                    "Answers are not streamed. Ask without stream, or with stream false.",
                ),
                ({"dataframe_records": [{"a": 1}]}, "Model is missing inputs ['b']."),
                ({**rows, "params": [1]}, "params is an object with the values of parameters."),
            ):
                refused = await here.call(json.dumps(body), "invocations")
                assert (refused.status, refused.json["message"]) == (400, said)

    run(test)
