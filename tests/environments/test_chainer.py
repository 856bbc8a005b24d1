"""The framework of 2018, built for real on a Python of today."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from faena.environments.model import EnvironmentSpec
from faena.environments.prepare import prepare

CHECK = """
import warnings
warnings.simplefilter("ignore")
import chainer, numpy, sys
import chainer.gradient_check
loss = chainer.functions.sum(chainer.Variable(numpy.ones((2, 3), numpy.float32)))
print(chainer.__version__, numpy.int is int, float(loss.array), sys.version_info[:2] < (3, 12))
"""


def test_chainer_runs_in_the_environment_that_the_catalogue_asks_for(
    shared_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAENA_HOME", str(shared_home))  # other tests want the same one
    log: list[str] = []
    prepared = prepare(EnvironmentSpec(framework="chainer"), log.append)
    assert "chainer==5.1.0" in prepared.lock.requirements
    environment = {"PATH": os.defpath, "FAENA_RUN_ID": "run_1"}
    done = subprocess.run(
        [prepared.python, "-W", "ignore", "-c", CHECK],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["5.1.0", "True", "6.0", "True"]
