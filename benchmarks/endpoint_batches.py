"""What batches save, and what they cost a client that is alone: one Chainer script, deployed with batches and without.

Part of `benchmarks.endpoints`. Of JSON in a batch half of a request is reading its 784 numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ground import median
from benchmarks.load import Result, wrk
from benchmarks.rows import Row, at_most
from benchmarks.serving_bodies import BINARY_HEADERS, IMAGE, binary
from faena import CondaDependencies, Environment, InferenceConfig, LocalWebservice, Model, Workspace
from faena.endpoints.folder import EndpointFolder

CHAINER = """
import chainer
import chainer.functions as F
import chainer.links as L
import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema

def init():
    global model
    model = chainer.Sequential(L.Linear(784, 100), F.relu, L.Linear(100, 100), F.relu, L.Linear(100, 10))

@input_schema("data", NumpyParameterType(np.zeros((1, 784), np.float32)))
def run(data):
    with chainer.using_config("train", False), chainer.no_backprop_mode():
        return np.argmax(model(data).array, axis=1).tolist()
"""
SIZES = {"chainer-single": 1, "chainer-batched": 64}
JSON, TENSORS = "JSON", "binary tensors"


def rows(ws: Workspace, model: Model, folder: Path, rounds: int, seconds: float) -> Iterator[Row]:
    source = ws.folder.parent / "source-chainer-batches"
    source.mkdir()
    (source / "score.py").write_text(CHAINER)
    environment = Environment("chainer")
    environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["chainer"])
    config = InferenceConfig("score.py", source_directory=source, environment=environment)
    fronts = {name: _deployed(ws, model, config, name, size) for name, size in SIZES.items()}
    found: dict[tuple[str, str, int], list[Result]] = {}
    for _ in range(rounds):
        for clients, form in ((64, JSON), (64, TENSORS), (1, JSON)):
            for name, (url, pid, workers) in fronts.items():
                path, body, headers = (
                    ("/score", json.dumps({"data": [IMAGE]}).encode(), None)
                    if form == JSON
                    else (f"/v2/models/{name}/infer", binary(), BINARY_HEADERS)
                )
                result = wrk(url + path, body, clients, seconds, pid, folder, headers, workers)
                found.setdefault((name, form, clients), []).append(result)
    for form in (TENSORS, JSON):
        single, batched = (median([each.cpu_us for each in found[name, form, 64]]) for name in SIZES)
        yield at_most(
            f"Chainer batched over single, {form}, 64 clients: CPU",
            batched / single,
            0.5,
            "times",
            note=f"{batched:.0f} µs a request, {single:.0f} single" + _failed(found, form, 64),
        )
    single, batched = (median([each.rps for each in found[name, JSON, 1]]) for name in SIZES)
    yield at_most(
        "Chainer batched over single, 1 client: seconds a request",
        single / batched,
        1.1,
        "times",
        note=f"{batched:,.0f} requests/s, {single:,.0f} single" + _failed(found, JSON, 1),
    )


def _deployed(
    ws: Workspace, model: Model, config: InferenceConfig, name: str, size: int
) -> tuple[str, int, list[int]]:
    """Its address without a path, its front's process, and its workers, which another front may have forked."""
    configuration = LocalWebservice.deploy_configuration(
        auth_enabled=False, workers=1, threads=1, max_batch_size=size
    )
    service = Model.deploy(ws, name, [model], config, configuration)
    service.wait_for_deployment()
    folder = EndpointFolder.of(Path(ws.files.path), name)
    status = folder.status()
    assert status is not None
    workers = [each.pid for found in status.revisions.values() for each in found.workers if each.pid]
    return (service.scoring_uri or "").removesuffix("/score"), folder.front_pid() or 0, workers


def _failed(found: dict[tuple[str, str, int], list[Result]], form: str, clients: int) -> str:
    count = sum(each.failed for name in SIZES for each in found[name, form, clients])
    return f"; {count} not answered with 2xx" if count else ""
