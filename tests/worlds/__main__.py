"""`python -m tests.worlds`: build each row on each Python it is for, train a little, print the table.

Large: TensorFlow 1 is 0.5 GB, torch 1.4 GB a row; each environment goes once it was tried. The newest Python of a row
is not named, and has to be found; rows of an estimator name a version and no date.
`--only WORD` tries the rows that have that word in their name; `--list` prints them.
It needs a package index. Its end status is the number of rows that failed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from faena.client.submission.framework_estimators import (
    Chainer,
    FrameworkEstimator,
    PyTorch,
    SKLearn,
    TensorFlow,
)
from faena.environments import interpreters
from faena.environments.folders import envs
from faena.environments.model import EnvironmentSpec
from faena.environments.prepare import Prepared, prepare
from faena.environments.service import spec_of
from faena.kernel.errors import FaenaError
from tests.worlds import trainings as train

_OLD = ("3.6", "3.7")
_PATIENCE = 600


class World(NamedTuple):
    packages: tuple[str, ...]
    as_of: str
    pythons: tuple[str, ...]
    training: str
    estimator: type[FrameworkEstimator] | None = None
    """With the version that is its only package, as a notebook names it."""

    @property
    def name(self) -> str:
        return " ".join([*([self.estimator.__name__] if self.estimator else []), *self.packages])

    def spec(self, python: str | None) -> EnvironmentSpec:
        if self.estimator is None:
            return EnvironmentSpec(packages=self.packages, as_of=self.as_of, python=python)
        made = self.estimator(
            compute_target="local", framework_version=self.packages[0], python=python, as_of=self.as_of
        )
        return spec_of(made.run_config.environment.request())


def _of_estimator(
    estimator: type[FrameworkEstimator], version: str, training: str, *pythons: str, as_of: str = ""
) -> World:
    return World((version,), as_of, pythons, training, estimator)


WORLDS = (
    World(("tensorflow==1.10.0",), "2018-10-01", ("3.6",), train.TENSORFLOW_1),
    World(("tensorflow==1.12.0",), "2019-02-01", ("3.6",), train.TENSORFLOW_1),
    World(("tensorflow==1.13.1",), "2019-10-01", _OLD, train.TENSORFLOW_1),
    World(("tensorflow==1.15.0",), "2019-12-01", ("3.7",), train.TENSORFLOW_1),
    World(("tensorflow==2.0.0",), "2019-12-01", _OLD, train.TENSORFLOW_2),
    World(("tensorflow==2.1.0",), "2020-03-01", ("3.7",), train.TENSORFLOW_2),
    World(("torch==1.0.0", "torchvision==0.2.1"), "2019-01-15", _OLD, train.TORCH),
    World(("torch==1.1.0",), "2019-06-01", _OLD, train.TORCH),
    World(("torch==1.2.0",), "2019-09-01", _OLD, train.TORCH),
    World(("torch==1.3.0",), "2019-11-01", _OLD, train.TORCH),
    World(("chainer==5.1.0",), "2019-10-01", _OLD, train.CHAINER),
    World(("chainer==7.0.0",), "2020-02-01", ("3.7", "3.8"), train.CHAINER),
    World(("scikit-learn==0.20.3",), "2019-10-01", _OLD, train.SKLEARN),
    World(
        ("scikit-learn==0.22.1",),
        "2020-02-01",
        ("3.8",),
        train.SKLEARN.replace("from sklearn.externals ", ""),
    ),
    World(("xgboost==0.90",), "2019-10-01", _OLD, train.XGBOOST),
    World(("lightgbm==2.2.3",), "2019-10-01", _OLD, train.LIGHTGBM),
    World(("Keras==2.2.4", "tensorflow==1.13.1"), "2019-10-01", _OLD, train.KERAS),
    World(("pandas==0.25.1", "matplotlib==3.1.1", "scipy==1.3.1"), "2019-10-01", _OLD, train.TABLES),
    _of_estimator(TensorFlow, "1.10", train.TENSORFLOW_1, "3.6"),
    _of_estimator(TensorFlow, "1.12", train.TENSORFLOW_1, "3.6"),
    _of_estimator(TensorFlow, "1.13", train.TENSORFLOW_1, "3.7"),
    _of_estimator(TensorFlow, "1.14", train.TENSORFLOW_1, "3.7"),
    _of_estimator(TensorFlow, "1.15", train.TENSORFLOW_1, "3.7"),
    _of_estimator(TensorFlow, "2.0", train.TENSORFLOW_2, "3.7"),
    _of_estimator(TensorFlow, "2.1", train.TENSORFLOW_2, "3.7"),
    _of_estimator(PyTorch, "1.0", train.TORCH_IMAGES, "3.7"),
    _of_estimator(PyTorch, "1.1", train.TORCH_IMAGES, "3.7"),
    _of_estimator(PyTorch, "1.2", train.TORCH_IMAGES, "3.7"),
    _of_estimator(PyTorch, "1.3", train.TORCH_IMAGES, "3.7"),
    _of_estimator(SKLearn, "0.20.3", train.SKLEARN, "3.7"),
    _of_estimator(SKLearn, "0.21.3", train.SKLEARN, "3.7"),
    _of_estimator(Chainer, "5.1.0", train.CHAINER, "3.7", as_of="auto"),
    _of_estimator(Chainer, "7.0.0", train.CHAINER, "3.8", as_of="auto"),
    World(("papermill==1.2.0", "nteract-scrapbook==0.3.1", "ipykernel"), "2019-10-01", _OLD, train.NOTEBOOKS),
)


class Tried(NamedTuple):
    world: World
    python: str
    seconds: float
    said: str
    failed: bool
    as_of: str
    """The date that was taken."""


def tried(world: World, minor: str) -> Tried:
    """One row on one Python."""
    started = time.monotonic()
    lines: list[str] = []
    try:
        newest = minor == world.pythons[-1]
        prepared = prepare(world.spec(None if newest else minor), lines.append)
        seconds = time.monotonic() - started
        if (found := prepared.lock.interpreter.kind[1]) != minor:
            return Tried(world, minor, seconds, f"Python {found} was taken", failed=True, as_of=world.as_of)
        return Tried(world, minor, seconds, *_trained(prepared, world.training), prepared.lock.as_of)
    except FaenaError as error:
        seconds = time.monotonic() - started
        return Tried(world, minor, seconds, error.message.splitlines()[0], failed=True, as_of=world.as_of)


def _trained(prepared: Prepared, code: str) -> tuple[str, bool]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    found = subprocess.run(
        [prepared.python, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        env=variables | {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        timeout=_PATIENCE,
        check=False,
    )
    shutil.rmtree(envs() / prepared.lock_digest, ignore_errors=True)
    if found.returncode:
        return (found.stderr.strip().splitlines() or ["no word"])[-1], True
    return f"trained {found.stdout.split()[-1]}", False


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.worlds", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--only", default="", help="rows that have this word in their name")
    parser.add_argument("--list", action="store_true", help="print the rows and try none")
    options = parser.parse_args()
    rows = [world for world in WORLDS if options.only.lower() in world.name.lower()]
    if options.list:
        print(
            *(
                f"{world.name}  as of {world.as_of or 'its time'}  on {', '.join(world.pythons)}"
                for world in rows
            ),
            sep="\n",
        )
        return 0
    here = {each.kind[1] for each in interpreters.of_minors(("3.6", "3.7", "3.8"))}
    failures = 0
    with tempfile.TemporaryDirectory(prefix="faena-worlds-") as home:
        os.environ["FAENA_HOME"] = str(Path(home))
        for world in rows:
            for minor in world.pythons:
                if minor not in here:
                    print(f"{world.name:45} {world.as_of:10} {minor}: no such Python here", flush=True)
                    continue
                found = tried(world, minor)
                failures += found.failed
                mark = "FAILED " if found.failed else ""
                print(
                    f"{world.name:45} {found.as_of:10} {minor} {found.seconds:6.1f} s  {mark}{found.said[:200]}",
                    flush=True,
                )
    return failures


if __name__ == "__main__":
    sys.exit(main())
