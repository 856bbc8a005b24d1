"""From the call that deploys a Chainer script to its first answer: environment known, and packages loaded already.

Part of `benchmarks.endpoints`. The environment is built first, which is not timed. Whoever is forked from a template
has that of an endpoint that was deployed before, in the same environment.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ground import median
from benchmarks.rows import Row, at_most
from faena import CondaDependencies, Environment, InferenceConfig, LocalWebservice, Model, Workspace
from faena.endpoints.folder import EndpointFolder
from faena.scoring import lending
from faena.scoring.slot import usage
from faena.scoring.templates import SETTING
from faena.testing.waiting import until

CHAINER = """
import json
import chainer, chainer.functions, chainer.links
import numpy as np

def init():
    global model
    model = chainer.Sequential(
        chainer.links.Linear(784, 100), chainer.functions.relu, chainer.links.Linear(100, 10)
    )

def run(data):
    images = np.array(json.loads(data)["data"], dtype=np.float32).reshape(-1, 784)
    with chainer.using_config("train", False), chainer.no_backprop_mode():
        return np.argmax(model(images).array, axis=1).tolist()
"""
NAME = "chainer-start"


def rows(ws: Workspace, model: Model, quick: bool) -> Iterator[Row]:
    folder = ws.folder.parent / "source-chainer"
    folder.mkdir()
    (folder / "score.py").write_text(CHAINER)
    alone = InferenceConfig("score.py", source_directory=folder, environment=environment(**{SETTING: "off"}))
    forked = InferenceConfig("score.py", source_directory=folder, environment=environment())
    count = 2 if quick else 5
    first_answer(ws, f"{NAME}-built", model, alone)
    cold = [first_answer(ws, f"{NAME}-cold-{number}", model, alone) for number in range(count)]
    yield at_most(
        "deploy to the first 200, Chainer, environment known",
        median(cold),
        1.2,
        "s",
        note=f"{min(cold):.2f} to {max(cold):.2f} s, {cpu_of_worker(ws, f'{NAME}-cold-0'):.2f} s of CPU of its worker",
    )
    first_answer(ws, NAME, model, forked)
    wait_for_template(ws)
    warm = [first_answer(ws, f"{NAME}-{number}", model, forked) for number in range(count)]
    updates = [first_answer(ws, NAME, model, forked) for _ in range(count)]
    yield at_most(
        "deploy to the first 200, Chainer, from a template",
        median(warm),
        0.3,
        "s",
        note=f"{min(warm):.2f} to {max(warm):.2f} s, {cpu_of_worker(ws, f'{NAME}-0'):.2f} s of CPU of its worker; "
        f"an update {median(updates):.2f} s",
    )


def environment(**variables: str) -> Environment:
    made = Environment("chainer")
    made.python.conda_dependencies = CondaDependencies.create(pip_packages=["chainer"])
    made.environment_variables = variables
    return made


def wait_for_template(ws: Workspace) -> None:
    """Until one has its packages loaded: it says so to whoever asks."""
    shared = EndpointFolder.of(Path(ws.files.path), NAME).path.parent / ".templates"
    until(lambda: shared.is_dir() and any(shared.iterdir()), "a template has been started")
    with lending.connected(shared, next(shared.iterdir()).name) as channel:
        channel.recv(64)


def first_answer(ws: Workspace, name: str, model: Model, config: InferenceConfig) -> float:
    """Seconds from the call to the first 200."""
    configuration = LocalWebservice.deploy_configuration(auth_enabled=False, workers=1, threads=1)
    began = time.perf_counter()
    service = Model.deploy(ws, name, [model], config, configuration, overwrite=True)
    service.wait_for_deployment()
    answer = service.run({"data": [[0.0] * 784]})
    took = time.perf_counter() - began
    assert len(answer) == 1
    return took


def cpu_of_worker(ws: Workspace, name: str) -> float:
    status = EndpointFolder.of(Path(ws.files.path), name).status()
    assert status is not None
    number = max(status.serving)
    return usage(status.revisions[str(number)].workers[0].pid)[1]
