"""What a scoring script may be like: v1's forms, MLflow's and the Open Inference Protocol's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faena.scoring.desired import Limits
from tests.scoring.pools import Asked, run, site
from tests.script.conftest import TODAY, find_interpreter

NUMPY = """
import numpy as np
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
def init():
    global calls
    calls = []
@input_schema("data", NumpyParameterType(np.zeros((1, 3), np.float32)))
@output_schema(NumpyParameterType(np.zeros((1,), np.float32)))
def run(data):
    assert data.dtype == np.float32, data.dtype
    calls.append(len(data))
    if (data == 666).any(): raise ValueError("the number of the beast")
    if (data == -1).all(): return np.array(calls)
    return data.sum(axis=1)
"""
PANDAS = """
import pandas as pd
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
def init(): pass
@input_schema("frame", PandasParameterType(pd.DataFrame({"a": [1.0], "b": ["x"]})))
def run(frame):
    return frame.assign(a=frame["a"] * 2)
"""


def test_a_raw_request_and_an_answer_of_ones_own(tmp_path: Path) -> None:
    script = """
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse
def init(): pass
@rawhttp
def run(request):
    assert isinstance(request, AMLRequest)
    if request.method == "OPTIONS":
        answer = AMLResponse("", 204)
        answer.headers["Allow"] = "POST"
        return answer
    if request.args.get("bad"): return AMLResponse(b"x", 200, {"a": "b\\r\\nc: d"})
    if request.args.get("json"): return AMLResponse({"a": [1]}, 201, json_str=True)
    return AMLResponse(request.get_data() + request.headers["X-End"].encode(), 418)
"""

    async def test() -> None:
        async with site(tmp_path, script) as here:
            raw = await here.call(b"\xff\x00", headers=[(b"x-end", b"!")])
            assert raw.status == 418 and raw.answer.body == b"\xff\x00!"
            assert raw.answer.content_type == b"application/octet-stream"
            options = await here.call(b"", method="OPTIONS")
            assert options.status == 204 and (b"Allow", b"POST") in options.answer.headers
            made = await here.call(b"", query=b"json=1")
            assert made.status == 201 and made.json == {"a": [1]}
            assert made.answer.content_type == b"application/json"
            bad = await here.call(b"", query=b"bad=1")
            assert bad.status == 500 and b"cannot be sent" in bad.answer.body

    run(test)


@pytest.mark.parametrize("version", TODAY)
def test_headers_coroutines_and_queries(version: str, tmp_path: Path) -> None:
    python = find_interpreter(version)
    if python is None:
        pytest.skip(f"no CPython {version} on this machine")
    script = """
import asyncio, json
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
def init(): pass
@input_schema("a", StandardPythonParameterType(1))
@input_schema("b", StandardPythonParameterType("x"), optional=True)
async def run(a, b="none", request_headers=None):
    await asyncio.sleep(0)
    return {"a": a, "b": b, "who": request_headers["X-Who"]}
"""

    async def test() -> None:
        async with site(tmp_path, script, python=python) as here:
            headers = [(b"x-who", b"me")]
            assert (await here.call('{"a": 3}', headers=headers)).json == {"a": 3, "b": "none", "who": "me"}
            asked = await here.call(b"", method="GET", query=b"a=4&b=y", headers=headers)
            assert asked.json == {"a": 4, "b": "y", "who": "me"}
            for body, said in [
                ('{"a": "x"}', "'a' is refused: it is a str, and a int is expected"),
                ("{}", "'a' was not given"),
                ('{"a": 1, "c": 2}', "'c' was given"),
                ("[1]", "The body is list"),
                ("{", "not JSON"),
                ("[" * 100_000, "not JSON"),
            ]:
                refused = await here.call(body, headers=headers)
                assert refused.status == 400 and said in refused.json["message"], refused.answer.body
            schema = here.pool.description["input"]
            assert schema["required"] == ["a"] and schema["example"] == {"a": 1, "b": "x"}

    run(test)


def test_a_plain_script_gets_text_whatever_was_asked(tmp_path: Path) -> None:
    script = "import json\ndef init(): pass\ndef run(raw): return json.loads(raw)"

    async def test() -> None:
        async with site(tmp_path, script) as here:
            assert (await here.call(b"", method="GET", query=b"a=1&b=x")).json == {"a": "1", "b": "x"}
            binary = await here.call(b"\xff\xfe")
            assert binary.status == 400 and "@rawhttp" in binary.json["message"]
            forms: list[tuple[Any, Any]] = [
                ({"instances": [[1], [2]]}, [[1], [2]]),
                ({"inputs": [[1], [2]]}, [[1], [2]]),
                ({"dataframe_split": {"columns": ["a"], "data": [[1], [2]]}}, [[1], [2]]),
                ({"dataframe_records": [{"a": 1}, {"a": 2}]}, [{"a": 1}, {"a": 2}]),
            ]
            for body, data in forms:
                said = await here.call(json.dumps(body), "invocations")
                assert said.json == {"predictions": {"data": data}}
            talk = {"messages": [{"role": "user", "content": "why"}]}
            assert (await here.call(json.dumps(talk), "invocations")).json == talk
            csv = await here.call(
                b"a,b\n1,x\n2.5,\n", "invocations", headers=[(b"content-type", b"text/csv")]
            )
            assert csv.json == {"predictions": {"data": [[1, "x"], [2.5, None]]}}
            for wrong in (b"{}", b"[]", b"nothing", b'{"instances": 1}', b'{"instances": [], "inputs": []}'):
                assert (await here.call(wrong, "invocations")).status == 400
            tensor = {"name": "x", "shape": [2, 1], "datatype": "INT64", "data": [3, 4]}
            answer = await here.call(
                json.dumps({"id": "7", "inputs": [tensor]}), "v2-infer", path="/v2/models/m/infer"
            )
            assert answer.json["id"] == "7" and answer.json["model_name"] == "m"
            assert answer.json["outputs"] == [
                {"name": "data", "datatype": "INT64", "shape": [2, 1], "data": [3, 4]}
            ]

    run(test)


class TestArrays:
    def test_one_model_in_every_protocol(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with site(tmp_path, NUMPY) as here:
                assert (await here.call('{"data": [[1, 2, 3], [4, 5, 6]]}')).json == [6.0, 15.0]
                assert here.pool.description["tensors"] == {
                    "inputs": [{"name": "data", "datatype": "FP32", "shape": [-1, 3]}],
                    "outputs": [{"name": "output_0", "datatype": "FP32", "shape": [-1]}],
                }
                split = {"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, 2, 3]]}}
                for body in ({"instances": [[1, 2, 3]]}, {"inputs": {"data": [[1, 2, 3]]}}, split):
                    said = await here.call(json.dumps(body), "invocations")
                    assert said.json == {"predictions": [6.0]}
                rows = np.arange(12, dtype=np.float32).reshape(4, 3)
                answer = await here.call(*binary(rows), **HOW)
                length = int(dict(answer.answer.headers)[b"Inference-Header-Content-Length"])
                head = json.loads(answer.answer.body[:length])
                assert head["model_version"] == "3" and head["outputs"][0]["shape"] == [4]
                sums = np.frombuffer(answer.answer.body[length:], np.float32)
                assert sums.tolist() == rows.sum(axis=1).tolist()
                wrong = await here.call('{"data": [[1, 2]]}')
                assert wrong.status == 400 and "(1, 2), and (rows, 3) is expected" in wrong.json["message"]
                for wrong_body, said_of in bad_tensors():
                    refused = await here.call(wrong_body, "v2-infer", path="/v2/models/m/infer")
                    assert refused.status == 400 and said_of in refused.json["message"], refused.answer.body

        run(test)

    def test_requests_that_wait_are_run_as_one_batch(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with site(tmp_path, NUMPY, max_batch_size=8) as here:
                for number in range(20):
                    here.ask(json.dumps({"data": [[number, 0, 0]] * (1 + number % 2)}))
                here.ask(json.dumps({"instances": [[20, 0, 0]]}), "invocations")
                await here.answered()
                for number, asked in enumerate(here.asked[:20]):
                    assert asked.json == [float(number)] * (1 + number % 2)
                assert here.asked[20].json == {"predictions": [20.0]}
                calls = (await here.call('{"data": [[-1, -1, -1]]}')).json
                assert max(calls) <= 8, "rows are counted"
                assert len(calls) < 15 and sum(calls) == 32

        run(test)

    def test_a_batch_that_raises_is_run_one_by_one(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with site(tmp_path, NUMPY, max_batch_size=8) as here:
                for number in (1, 2, 666, 3):
                    here.ask(json.dumps({"data": [[number, 0, 0]]}))
                here.ask('{"data": [[1, 2]]}')
                here.ask("{")
                await here.answered()
                assert [asked.status for asked in here.asked] == [200, 200, 500, 200, 400, 400]
                assert here.asked[3].json == [3.0]

        run(test)

    def test_a_batch_waits_as_long_as_it_may(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with site(tmp_path / "full", NUMPY, max_batch_size=3, max_latency_ms=50_000) as here:
                for number in range(3):
                    here.ask(json.dumps({"data": [[number, 0, 0]]}))
                await here.answered()
                assert max(asked.seconds for asked in here.asked) < 40, "a full one goes at once"
            async with site(tmp_path / "alone", NUMPY, max_batch_size=3, max_latency_ms=300) as here:
                alone = await here.call('{"data": [[1, 0, 0]]}')
                assert alone.seconds > 0.28
                assert (await here.call('{"data": [[-1, -1, -1]]}')).json == [1, 1]

        run(test)

    @pytest.mark.long
    def test_a_data_frame_goes_in_and_out(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with site(tmp_path, PANDAS, max_batch_size=4) as here:
                rows = [{"a": 2, "b": "p"}, {"a": 3, "b": "q"}]
                doubled = [{"a": 4.0, "b": "p"}, {"a": 6.0, "b": "q"}]
                first = here.ask(json.dumps({"frame": rows}))
                second = here.ask(json.dumps({"dataframe_records": rows[:1]}), "invocations")
                await here.answered()
                assert first.json == doubled and second.json == {"predictions": doubled[:1]}
                columns = {"inputs": {"a": [2, 3], "b": ["p", "q"]}}
                assert (await here.call(json.dumps(columns), "invocations")).json == {"predictions": doubled}
                refused = await here.call('{"frame": [{"a": "no", "b": 1}]}')
                assert refused.status == 400 and "types of the sample" in refused.json["message"]

        run(test)


def test_run_batch_gets_a_list(tmp_path: Path) -> None:
    script = """
import json
def init(): pass
def run(raw): return run_batch([raw])[0]
def run_batch(raws):
    found = [json.loads(raw) for raw in raws]
    return [ValueError("odd") if one == 3 else [one, len(raws)] for one in found]
"""

    async def test() -> None:
        async with site(tmp_path, script, max_batch_size=4) as here:
            for number in range(4):
                here.ask(str(number))
            await here.answered()
            assert [asked.status for asked in here.asked] == [200, 200, 200, 500]
            assert here.asked[2].json == [2, 4]

    run(test)


@pytest.mark.parametrize("version", TODAY)
def test_the_names_of_a_scoring_script(version: str, tmp_path: Path) -> None:
    python = find_interpreter(version)
    if python is None:
        pytest.skip(f"no CPython {version} on this machine")
    model = tmp_path / "app" / "azureml-models" / "mnist" / "3" / "model.npz"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"model")
    (tmp_path / "app" / "answers.py").write_text("mine = 1")
    script = """
import os, sys
from azureml.core.model import Model
import faena, answers
assert answers.mine == 1, answers
assert os.environ["OMP_NUM_THREADS"] == "3" and os.environ["OPENBLAS_NUM_THREADS"] == "2"
path = Model.get_model_path("mnist")
other = faena.Model.get_model_path("mnist", version=3)
def init(): pass
def run(raw): return [path, other, os.environ["AZUREML_MODEL_DIR"]]
"""

    async def test() -> None:
        settings: dict[str, Any] = {
            "python": python,
            "model_dir": str(model.parent),
            "threads": 3,
            "variables": {"OPENBLAS_NUM_THREADS": "2"},
        }
        async with site(tmp_path, script, **settings) as here:
            path, other, folder = (await here.call()).json
            assert Path(path) == Path(other) == model and folder == str(model.parent)

    run(test)


def test_a_request_whose_time_is_over_is_not_run(tmp_path: Path) -> None:
    script = """
import time
def init(): pass
def run(raw):
    open("ran", "a").write(raw)
    time.sleep(float(raw))
"""

    async def test() -> None:
        async with site(tmp_path, script, limits=Limits(timeout_s=4.0)) as here:
            here.ask("0.5")
            here.ask("60")
            late = here.ask("0.1")
            await here.answered()
            assert [asked.status for asked in here.asked[:2]] == [200, 504]
            assert late.status == 504 and "was not begun" in late.json["message"]
            assert (await here.call("0")).status == 200
            assert (tmp_path / "app" / "ran").read_text() == "0.5600"

    run(test)


HOW: dict[str, Any] = {
    "headers": [(b"inference-header-content-length", b"0")],
    "path": "/v2/models/m/versions/3/infer",
}


def binary(rows: np.ndarray[Any, Any]) -> tuple[bytes, str]:
    told = {
        "inputs": [
            {
                "name": "data",
                "shape": list(rows.shape),
                "datatype": "FP32",
                "parameters": {"binary_data_size": rows.nbytes},
            }
        ],
        "parameters": {"binary_data_output": True},
    }
    head = json.dumps(told).encode()
    HOW["headers"] = [(b"inference-header-content-length", str(len(head)).encode())]
    return head + rows.tobytes(), "v2-infer"


def bad_tensors() -> list[tuple[str, str]]:
    good: dict[str, Any] = {"name": "data", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}
    changes: list[tuple[dict[str, Any], str]] = [
        ({"datatype": "FP31"}, "datatype 'FP31'"),
        ({"shape": [2, 3]}, "has 3 values; its shape [2, 3] has 6"),
        ({"shape": [1 << 40, 1 << 40]}, "its shape"),
        ({"shape": "x"}, "not a list of whole numbers"),
        ({"data": ["a", "b", "c"]}, "is no FP32"),
        ({"parameters": {"binary_data_size": 12}}, "12 bytes, and 0 are left"),
        ({"shape": [0, 1 << 70], "parameters": {"binary_data_size": 0}}, "'data' cannot be"),
        ({"datatype": "INT32", "data": [1, 2.0, 2.5]}, "2.5 is no whole number"),
    ]
    listed = [(json.dumps({"inputs": [good | change]}), said) for change, said in changes]
    listed.append((json.dumps({"inputs": [good, good]}), "inputs names a tensor twice"))
    return [*listed, ("{}", "inputs is a list"), ("[]", "no JSON object"), ("{", "not JSON")]


def test_what_was_asked_knows_its_answer() -> None:
    with pytest.raises(AssertionError, match="0 answers"):
        _ = Asked(None).answer  # type: ignore[arg-type]  # none is needed


def test_a_form_with_files_reaches_a_raw_script(tmp_path: Path) -> None:
    script = """
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse
def init(): pass
@rawhttp
def run(request):
    sent = request.files["image"]
    said = [sent.filename, sent.mimetype, sent.read(3).hex(), len(sent.stream.read()), request.form.getlist("k")]
    said.append([each.filename for each in request.files.getlist("image")])
    return AMLResponse(said, 200, json_str=True)
"""
    parts = [
        b'Content-Disposition: form-data; name="k"\r\n\r\nv',
        b'Content-Disposition: form-data; name="k"\r\n\r\n\xc3\xa9\r\n',
        b'Content-Disposition: form-data; name="image"; filename="\xc3\xa9.png"\r\nContent-Type: image/png\r\n\r\n'
        b"\x00\r\n--x\n\xff",
        b'Content-Disposition: form-data; name="image"; filename=""\r\n\r\n',
    ]
    body = b"".join(b"--xyz\r\n" + part + b"\r\n" for part in parts) + b"--xyz--\r\n"
    kind = [(b"content-type", b'multipart/form-data; boundary="xyz"')]

    async def test() -> None:
        async with site(tmp_path, script) as here:
            said = await here.call(body, headers=kind)
            assert said.json == ["é.png", "image/png", "000d0a", 5, ["v", "é\r\n"], ["é.png", ""]]
            for broken, why in (
                (body[:-9], b"cut off"),
                (b"--xyz\r\n\r\n\r\n" * 1001 + b"--xyz--", b"over 1,000 parts"),
                (b"{}", b"cut off"),
            ):
                refused = await here.call(broken, headers=kind)
                assert refused.status == 500 and why in refused.answer.body
            plain = await here.call(b"{}", headers=[(b"content-type", b"application/json")])
            assert plain.status == 500 and b"KeyError: 'image'" in plain.answer.body

    run(test)
