"""Which version of a framework an interpreter gets, and what is said of one that cannot be had."""

from __future__ import annotations

import pytest

from faena.environments.catalogue import plan
from faena.environments.frameworks import FRAMEWORKS
from faena.environments.model import EnvironmentSpec
from faena.kernel.errors import TrainingException

MINORS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")


@pytest.mark.parametrize("framework", ["pytorch", "tensorflow", "sklearn"])
@pytest.mark.parametrize("minor", MINORS)
def test_without_a_version_it_comes_for_the_clients_python(framework: str, minor: str) -> None:
    found = plan(EnvironmentSpec(framework=framework, client_python=minor))
    assert found.preferred == minor
    assert found.python.contains(f"{minor}.0")
    assert found.requirements[0].startswith(f"{FRAMEWORKS[framework].package}==")


@pytest.mark.parametrize(
    ("framework", "old"),
    [("pytorch", "0.4"), ("tensorflow", "1.9"), ("sklearn", "0.18.2"), ("chainer", "4.0")],
)
def test_an_old_version_names_those_that_can_be_had(framework: str, old: str) -> None:
    with pytest.raises(TrainingException) as caught:
        plan(EnvironmentSpec(framework=framework, framework_version=old))
    assert old in caught.value.message
    assert all(version in caught.value.message for version in FRAMEWORKS[framework].versions)


def test_an_old_version_brings_the_python_that_runs_it() -> None:
    found = plan(EnvironmentSpec(framework="sklearn", framework_version="0.22.2.post1", client_python="3.12"))
    assert found.python.contains("3.8.18")
    assert not found.python.contains("3.9.0")
    assert found.requirements == ("scikit-learn==0.22.2.post1", "numpy<1.24")


@pytest.mark.parametrize(("short", "taken"), [("2.4", "2.4.4"), ("2.13", "2.13.1"), ("2.21.0", "2.21.0")])
def test_a_short_version_is_the_last_of_its_kind(short: str, taken: str) -> None:
    found = plan(EnvironmentSpec(framework="tensorflow", framework_version=short))
    assert found.requirements[0] == f"tensorflow=={taken}"


def test_a_python_that_the_version_does_not_run_on_names_versions_that_do() -> None:
    with pytest.raises(TrainingException, match=r"2\.4\.4 runs on Python >=3\.8,<3\.9.*2\.21\.0"):
        plan(EnvironmentSpec(framework="tensorflow", framework_version="2.4", python="3.11"))
    with pytest.raises(TrainingException, match=r"cannot be had on Python"):
        plan(EnvironmentSpec(framework="chainer", python="3.12"))


def test_a_client_that_no_version_runs_on_gets_the_newest() -> None:
    newest = FRAMEWORKS["tensorflow"].versions[-1]
    found = plan(EnvironmentSpec(framework="tensorflow", client_python="3.19"))
    assert found.requirements[0] == f"tensorflow=={newest}"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_row_can_be_asked_for(framework: str) -> None:
    for version in FRAMEWORKS[framework].versions:
        found = plan(EnvironmentSpec(framework=framework, framework_version=version))
        assert found.requirements[0] == f"{FRAMEWORKS[framework].package}=={version}"


@pytest.mark.parametrize(
    ("framework", "version", "pinned"),
    [
        ("tensorflow", "1.13", "tensorflow==1.13.1"),
        ("tensorflow", "1.13.2", "tensorflow==1.13.2"),
        ("pytorch", "1.0", "torch==1.0.0"),
        ("sklearn", "0.20.3", "scikit-learn==0.20.3"),
    ],
)
def test_a_version_for_older_pythons_alone_means_packages_of_its_time(
    framework: str, version: str, pinned: str
) -> None:
    found = plan(EnvironmentSpec(framework=framework, framework_version=version))
    assert found.as_of == "auto"
    assert found.requirements[0] == pinned
    assert any("as_of" in note and FRAMEWORKS[framework].package in note for note in found.notes)


@pytest.mark.parametrize(
    ("package", "dated"),
    [
        ("tensorflow==1.13.1", True),
        ("tensorflow-gpu==1.15.2", True),
        ("tensorflow<2", True),
        ("torch==1.2.0", True),
        ("torch==1.0.1.post2", True),
        ("scikit-learn==0.20.4", True),
        ("scikit-learn==0.22.1", False),
        ("tensorflow>=1.13", False),
        ("tensorflow", False),
        ("chainer==5.1.0", False),
    ],
)
def test_a_listed_version_for_older_pythons_alone_means_packages_of_its_time(
    package: str, dated: bool
) -> None:
    assert plan(EnvironmentSpec(packages=(package,))).as_of == ("auto" if dated else "")
    assert plan(EnvironmentSpec(packages=(package,), as_of="today")).as_of == ""
    assert plan(EnvironmentSpec(packages=(package,), as_of="2021-02-03")).as_of == "2021-02-03"


def test_as_of_a_date_it_is_what_v1_took_then_with_what_stood_beside_it() -> None:
    then = plan(EnvironmentSpec(framework="tensorflow", as_of="2019-10-15"))
    assert then.requirements == ("tensorflow==1.13.1",)
    later = plan(EnvironmentSpec(framework="tensorflow", as_of="2022-10-15"))
    assert later.requirements == ("tensorflow",)
    torch = plan(EnvironmentSpec(framework="pytorch", framework_version="1.0", as_of="2019-03-01"))
    assert torch.requirements == ("torch==1.0.0", "torchvision==0.2.1", "tensorboard", "future")


def test_a_python_that_an_old_version_does_not_run_on_is_refused() -> None:
    with pytest.raises(TrainingException, match=r"1\.13\.1 runs on Python >=3\.6,<3\.8"):
        plan(EnvironmentSpec(framework="tensorflow", framework_version="1.13", python="3.11"))
