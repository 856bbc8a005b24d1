"""The real inference-schema, where a model's environment has it, instead of the names that are there without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scoring.pools import run, site

PACKAGES = ("inference-schema==1.8", "wrapt==1.16.0", "pytz==2024.1")
"""In a folder of their own: beside the suite's packages they would hide the names that other tests are about."""
IMPORTS = """
import inference_schema, numpy as np, pandas as pd
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
assert "INSTALLED" in inference_schema.__file__, inference_schema.__file__
def init(): pass
"""
ARRAY = """
@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))
@output_schema(NumpyParameterType(np.array([3.0])))
def run(data):
    assert isinstance(data, np.ndarray)
    if data.sum() == 666: raise ValueError("the number of the beast")
    return data.sum(axis=1)
"""
TABLE = """
@input_schema("table", PandasParameterType(pd.DataFrame({"a": [1], "b": ["x"]})))
def run(table):
    assert isinstance(table, pd.DataFrame)
    return table["b"].str.cat(table["a"].astype(str)).tolist()
"""
MIXED = """
@input_schema("data", NumpyParameterType(np.array([[1]])))
@input_schema("params", StandardPythonParameterType({"name": "n", "number": 1}))
@input_schema("factor", StandardPythonParameterType(2.5), optional=True)
def run(data, params, factor=1.0):
    return {"sum": data.sum() * factor, "name": params["name"]}
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("INSTALLED")
    uv = Path(sys.executable).with_name("uv")
    command = [
        str(uv),
        "pip",
        "install",
        "--quiet",
        "--python",
        sys.executable,
        "--no-deps",
        "--target",
        str(folder),
    ]
    subprocess.run([*command, *PACKAGES], check=True, env=os.environ)
    return folder


def on(installed: Path, code: str) -> str:
    return f"import sys\nsys.path.insert(0, {str(installed)!r})\n{IMPORTS}{code}"


@pytest.mark.long
def test_an_array(installed: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with site(tmp_path, on(installed, ARRAY)) as here:
            assert (await here.call('{"data": [[1, 2], [3, 4]]}')).json == [3.0, 7.0]
            for body in (
                '{"instances": [[1, 2]]}',
                '{"dataframe_split": {"columns": [0, 1], "data": [[1, 2]]}}',
            ):
                assert (await here.call(body, "invocations")).json == {"predictions": [3.0]}
            for wrong in ('{"data": [1]}', '{"data": 5}', '{"data": [["x", "y"]]}'):
                refused = await here.call(wrong)
                assert refused.status == 400 and "input is refused" in refused.json["message"]
            raised = await here.call('{"data": [[333, 333]]}')
            assert raised.status == 500 and b"number of the beast" in raised.answer.body
            told = here.pool.description
            assert told["input"]["properties"]["data"]["format"] == "numpy.ndarray"
            assert told["input"]["example"] == {"data": [[1.0, 2.0]]}
            assert told["output"]["example"] == [3.0]

    run(test)


@pytest.mark.long
def test_a_table(installed: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with site(tmp_path, on(installed, TABLE)) as here:
            assert (await here.call('{"table": [{"a": 5, "b": "y"}]}')).json == ["y5"]
            for body in (
                '{"dataframe_split": {"columns": ["a", "b"], "data": [[5, "y"]]}}',
                '{"dataframe_records": [{"a": 5, "b": "y"}]}',
                '{"inputs": {"a": [5], "b": ["y"]}}',
            ):
                assert (await here.call(body, "invocations")).json == {"predictions": ["y5"]}
            uneven = await here.call('{"inputs": {"a": [5], "b": ["y", "z"]}}', "invocations")
            assert uneven.status == 400 and "as many values" in uneven.json["message"]
            assert (await here.call('{"table": [{"a": 5}]}')).status == 400

    run(test)


@pytest.mark.long
def test_several_and_one_that_may_be_left_out(installed: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with site(tmp_path, on(installed, MIXED)) as here:
            given = '"data": [[1], [2]], "params": {"name": "z", "number": 2}'
            assert (await here.call(f"{{{given}}}")).json == {"sum": 3.0, "name": "z"}
            assert (await here.call(f'{{{given}, "factor": 2}}')).json == {"sum": 6.0, "name": "z"}
            missing = await here.call('{"data": [[1]]}')
            assert missing.status == 400 and "'params' was not given" in missing.json["message"]
            assert (await here.call(f'{{{given}, "factor": "x"}}')).status == 400

    run(test)
