"""The framework of 2018, built for real on a Python of today."""

from __future__ import annotations

import os
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from faena.environments.frameworks import FRAMEWORKS
from faena.environments.known_metadata import uv_settings
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


@pytest.mark.long
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

    (release,) = (each for each in FRAMEWORKS["chainer"].releases if each.version == "5.1.0")
    assert {*map(Requirement, release.declares)} == installed_requirements(prepared.python, "chainer")


def installed_requirements(python: str, name: str) -> set[Requirement]:
    """What an installed distribution says that it requires, without its extras."""
    (folder,) = Path(python).parents[1].glob("lib/*/site-packages")
    (found,) = metadata.distributions(name=name, path=[str(folder)])
    return {each for each in map(Requirement, found.requires or []) if each.marker is None}


class TestKnownMetadata:
    def test_of_what_has_extras_nothing_is_known(self) -> None:
        assert "chainer" not in uv_settings("numpy\nChainer [docs]==7.8.1\n")

    def test_what_uv_is_told_is_a_settings_file(self) -> None:
        told = tomllib.loads(uv_settings("chainer==6.0.0"))["dependency-metadata"]
        (of_6,) = (each for each in told if each["version"] == "6.0.0")
        assert "protobuf>=3.0.0,<3.8.0rc1" in of_6["requires-dist"]
