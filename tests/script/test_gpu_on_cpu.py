"""Chainer scripts written for a GPU, on a machine without one. Needs the package registry: it builds Chainer."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.script.conftest import RunHere

PLAIN = """
import multiprocessing, subprocess, sys
import numpy as np
import chainer
import chainer.functions as F
import chainer.links as L
from chainer import training
from chainer.backends import cuda
from chainer.dataset import concat_examples

class MLP(chainer.Chain):
    def __init__(self):
        super().__init__()
        with self.init_scope():
            self.l1 = L.Linear(4, 8)
            self.l2 = L.Linear(8, 2)
    def __call__(self, x):
        return self.l2(F.relu(self.l1(x)))

def child():
    cuda.get_device_from_id(0).use()

if __name__ == "__main__":
    np.random.seed(0)  # of the weights and the batches
    rng = np.random.RandomState(0)
    x = rng.rand(256, 4).astype("f")
    data = chainer.datasets.TupleDataset(x, (x.sum(axis=1) > 2).astype("i"))
    cuda.get_device_from_id(0).use()
    model = L.Classifier(MLP())
    assert model.to_gpu(0) is model and model.to_gpu() is model
    assert cuda.to_gpu(x) is x
    cuda.check_cuda_available()
    optimizer = chainer.optimizers.MomentumSGD(0.1)
    optimizer.setup(model)
    for epoch in range(20):
        for batch in chainer.iterators.SerialIterator(data, 32, repeat=False):
            a, t = concat_examples(batch, 0)
            optimizer.update(model, a, t)
    updater = training.StandardUpdater(chainer.iterators.SerialIterator(data, 32), optimizer, device=0)
    updater.update()
    with chainer.using_config("train", False):
        model(*concat_examples(data, 0))
    model.to_cpu()
    print("accuracy %.2f" % float(cuda.to_cpu(model.accuracy.array)))
    process = multiprocessing.get_context("spawn").Process(target=child)
    process.start()
    process.join()
    assert process.exitcode == 0
"""
SCRIPT = PLAIN.replace("\nclass MLP", "from azureml.core.run import Run\n\nclass MLP", 1)
"""In an interpreter without the .pth file, importing Run brings the hook to spawned children."""


@pytest.fixture(params=["5.1.0", pytest.param("7.8.1", marks=pytest.mark.long)])
def with_chainer(request: pytest.FixtureRequest, chainer_python: Callable[[str], Path]) -> tuple[str, str]:
    """(version of Chainer, interpreter of a run's environment that has it)."""
    return request.param, str(chainer_python(request.param))


on_v1s_version = pytest.mark.parametrize("with_chainer", ["5.1.0"], indirect=True)


@pytest.fixture
def gpu_run(with_chainer: tuple[str, str], tmp_path: Path) -> RunHere:
    _, python = with_chainer
    (tmp_path / "spool").mkdir()
    (tmp_path / "train.py").write_text(PLAIN)
    return RunHere(python, tmp_path, {"FAENA_GPU": "cpu", "PYTHONWARNINGS": "ignore"})


def execute(here: RunHere, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [here.python, *command], env=here.env, cwd=here.folder, capture_output=True, text=True, timeout=120
    )


@pytest.mark.long
def test_a_script_for_a_gpu_trains_on_the_cpu_and_says_so_once(gpu_run: RunHere) -> None:
    result = execute(gpu_run, "train.py")
    assert result.returncode == 0, result.stderr
    assert float(result.stdout.split()[1]) > 0.9
    assert result.stderr.count("GPU CALLS ARE ANSWERED ON THE CPU") == 1, "the child is silent"
    notes = [event for event in gpu_run.spool().events if event["op"] == "note"]
    assert [note["code"] for note in notes] == ["gpu_on_cpu"]


@pytest.mark.long
@on_v1s_version
def test_only_where_the_run_asks_for_it(gpu_run: RunHere) -> None:
    gpu_run.extra["FAENA_GPU"] = ""
    result = execute(gpu_run, "train.py")
    assert result.returncode == 1
    assert "CUDA environment is not correctly set up" in result.stderr
    assert gpu_run.spool().events == []


@on_v1s_version
@pytest.mark.long
def test_a_script_that_asks_for_no_gpu_is_told_nothing(gpu_run: RunHere) -> None:
    code = "import chainer, numpy; chainer.dataset.concat_examples([numpy.zeros(2)], -1); chainer.cuda.to_cpu"
    result = execute(gpu_run, "-c", code)
    assert (result.returncode, result.stderr) == (0, "")
    assert gpu_run.spool().files == []


@pytest.mark.long
@on_v1s_version
def test_the_launcher_installs_the_hook_too(gpu_run: RunHere) -> None:
    gpu_run.extra["FAENA_RUN_ID"] = ""  # the .pth line of this environment stays silent
    (gpu_run.folder / "sample.py").write_text(SCRIPT)
    plain = execute(gpu_run, "train.py")
    assert "CUDA environment is not correctly set up" in plain.stderr
    launched = execute(gpu_run, str(gpu_run.launcher), "sample.py")
    assert launched.returncode == 0, launched.stderr
    assert launched.stderr.count("GPU CALLS ARE ANSWERED ON THE CPU") == 1


@pytest.mark.long
def test_tracebacks_and_inspect_still_find_the_source(gpu_run: RunHere) -> None:
    code = "import inspect; from chainer.backends import cuda; assert 'def to_cpu' in inspect.getsource(cuda)"
    result = execute(gpu_run, "-c", code)
    assert result.returncode == 0, result.stderr


@on_v1s_version
def test_an_interpreter_with_a_gpu_keeps_its_calls(gpu_run: RunHere) -> None:
    """No GPU here: `available` is set from outside, and the functions must stay Chainer's own."""
    code = (
        "import sys, types\n"
        "import _faena_gpu_chainer\n"
        "cuda = types.ModuleType('chainer.backends.cuda'); cuda.available = True; cuda.to_gpu = kept = object()\n"
        "sys.modules['chainer.backends.cuda'] = cuda\n"
        "_faena_gpu_chainer.change_cuda(cuda)\n"
        "assert cuda.to_gpu is kept\n"
    )
    result = execute(gpu_run, "-c", code)
    assert result.returncode == 0, result.stderr
    assert os.environ.get("FAENA_GPU") is None
