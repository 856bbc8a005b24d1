"""Environments that models cannot be served in are refused before anything is resolved, with the reason."""

from __future__ import annotations

import pytest

from faena.environments import serving
from faena.environments.model import EnvironmentSpec, Interpreter, Lock
from faena.environments.service import refuse_impossible
from faena.kernel import digests
from faena.kernel.errors import UserErrorException


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (EnvironmentSpec(python="3.7"), r"Python ==3\.7\.\*.* is asked for"),
        (
            EnvironmentSpec(packages=("tensorflow==1.13.1",)),
            r"tensorflow==1\.13\.1 exists for Pythons before 3\.8",
        ),
        (EnvironmentSpec(framework="sklearn", framework_version="0.20.3"), r"scikit-learn==0\.20\.3 exists"),
        (
            EnvironmentSpec(packages=("six",), as_of="2019-10-01"),
            "packages as of 2019-10-01 are for Pythons before",
        ),
    ],
)
def test_what_only_an_older_python_runs_is_refused_for_serving_and_not_for_training(
    spec: EnvironmentSpec, why: str
) -> None:
    refuse_impossible(spec)
    with pytest.raises(UserErrorException, match=f"served by Python 3.8 or newer, and .*{why}"):
        refuse_impossible(spec, serves=True)


@pytest.mark.parametrize(
    "spec", [EnvironmentSpec(packages=("six",), as_of="2021-06-01"), EnvironmentSpec(framework="chainer")]
)
def test_what_a_newer_python_runs_is_not(spec: EnvironmentSpec) -> None:
    refuse_impossible(spec, serves=True)


def test_the_lock_of_a_run_says_its_python() -> None:
    def lock(version: str) -> Lock:
        python = Interpreter("/usr/bin/python3", version, "CPython")
        return Lock(python, "linux-x86_64-glibc2.36", "", (), digests.of_bytes(b""))

    serving.refuse_lock(lock("3.8.18"))
    serving.refuse_lock(lock(""))
    with pytest.raises(UserErrorException, match=r"the environment has Python 3\.7\.16.*can train"):
        serving.refuse_lock(lock("3.7.16"))
