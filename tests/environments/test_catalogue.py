from __future__ import annotations

import sys

import pytest

from faena.environments import cuda_builds
from faena.environments.catalogue import plan
from faena.environments.frameworks import FRAMEWORKS
from faena.environments.model import EnvironmentSpec
from faena.kernel.errors import TrainingException


def test_chainer_comes_with_what_makes_it_run() -> None:
    found = plan(EnvironmentSpec(framework="Chainer"))
    assert found.requirements == ("chainer==5.1.0", "numpy<1.24", "pytest", "setuptools<74")
    assert found.build_constraints == ("setuptools<80",)
    assert found.python.contains("3.8.18")
    assert found.python.contains("3.11.7")
    assert not found.python.contains("3.7.16")
    assert not found.python.contains("3.12.1")


def test_beside_chainer_what_its_images_had_for_gpus_and_mpi_is_left_out_where_it_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packages = ("chainer==5.1.0", "cupy-cuda100==5.1.0", "mpi4py==3.0.0", "azureml-defaults")
    spec = EnvironmentSpec(conda_packages=("python=3.6.2",), packages=packages)
    monkeypatch.setattr("shutil.which", lambda name: None)
    found = plan(spec)
    assert not any(each.startswith(("cupy", "mpi4py")) for each in found.requirements)
    assert [each.split(":")[0] for each in found.warnings[1:]] == [
        "cupy-cuda100==5.1.0 is left out",
        "mpi4py==3.0.0 is left out",
    ]
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/mpicc")
    assert "mpi4py==3.0.0" in plan(spec).requirements
    for kept in ("cupy-cuda11x==12.0.0", "cupy-cuda110", "mpi4py"):
        assert kept in plan(EnvironmentSpec(packages=("chainer==7.8.1", kept))).requirements
    alone = plan(EnvironmentSpec(packages=("cupy-cuda100==5.1.0",)))
    assert alone.requirements == ("cupy-cuda100==5.1.0",)


def test_tensorflow_that_is_linked_to_cuda_is_taken_for_cpus_where_that_is_not_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cuda_builds, "_has_cuda", lambda: False)
    found = plan(EnvironmentSpec(packages=("tensorflow-gpu==1.13.1",)))
    assert found.requirements == ("tensorflow==1.13.1",)
    assert "CUDA 9.0 or 10.0" in found.warnings[0]
    early = plan(EnvironmentSpec(packages=("tensorflow_gpu",), as_of="2019-03-01"))
    assert early.requirements == ("tensorflow",)
    for kept in ("tensorflow-gpu==1.14.0", "tensorflow-gpu==2.0.0", "tensorflow-gpu<2"):
        assert plan(EnvironmentSpec(packages=(kept,))).requirements == (kept,)
    monkeypatch.setattr(cuda_builds, "_has_cuda", lambda: True)
    assert (
        plan(EnvironmentSpec(packages=("tensorflow-gpu==1.13.1",))).requirements[0][:14] == "tensorflow-gpu"
    )


@pytest.mark.parametrize(
    ("given", "pinned"), [("5.1", "5.1.0"), ("5.2", "5.2.0"), ("7.0.0", "7.0.0"), ("7.8.1", "7.8.1")]
)
def test_versions_may_be_written_short(given: str, pinned: str) -> None:
    assert (
        plan(EnvironmentSpec(framework="chainer", framework_version=given)).requirements[0]
        == f"chainer=={pinned}"
    )


@pytest.mark.parametrize("version", ["5.3", "4.0", "8", "5.1.0rc1"])
def test_an_unknown_version_names_those_that_can_be_had(version: str) -> None:
    with pytest.raises(TrainingException) as caught:
        plan(EnvironmentSpec(framework="chainer", framework_version=version))
    assert version in caught.value.message
    assert all(each in caught.value.message for each in FRAMEWORKS["chainer"].versions)


def test_an_unknown_framework_names_the_known() -> None:
    with pytest.raises(TrainingException, match=r"'theano'.*chainer"):
        plan(EnvironmentSpec(framework="theano"))


def test_a_bare_name_gets_the_pin_and_a_version_overrides_it() -> None:
    bare = plan(EnvironmentSpec(framework="chainer", packages=("NumPy", "pillow")))
    assert bare.requirements == ("chainer==5.1.0", "numpy<1.24", "pytest", "setuptools<74", "pillow")
    own = plan(EnvironmentSpec(framework="chainer", packages=("numpy==1.22.0",)))
    assert own.requirements == ("chainer==5.1.0", "pytest", "setuptools<74", "numpy==1.22.0")


def test_extras_of_a_pinned_package_are_kept() -> None:
    found = plan(EnvironmentSpec(framework="chainer", packages=("pytest[dev]",)))
    assert {"pytest", "pytest[dev]"} <= set(found.requirements)


def test_the_user_narrows_the_python() -> None:
    found = plan(EnvironmentSpec(framework="chainer", python=">=3.10"))
    assert found.python.contains("3.11.0")
    assert not found.python.contains("3.9.0")
    assert not found.python.contains("3.12.0")


def test_without_a_framework_any_python_for_scripts_will_do() -> None:
    found = plan(EnvironmentSpec(packages=("six",)))
    assert found.preferred == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert not found.python.contains("3.7.0")
    assert plan(EnvironmentSpec(python="3.9")).preferred is None


def test_new_pins_are_seen() -> None:
    assert (
        plan(EnvironmentSpec(framework="chainer")).digest != plan(EnvironmentSpec(packages=("six",))).digest
    )
