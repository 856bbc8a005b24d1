"""What becomes of conda's package lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.environments.catalogue import plan
from faena.environments.conda import parse, translate
from faena.environments.model import EnvironmentSpec
from faena.environments.prepare import prepare
from faena.kernel.errors import EnvironmentBuildException, UserErrorException

from .packages import make_wheel
from .test_model import HOSTILE_PACKAGES


@pytest.mark.parametrize(
    ("entry", "requirement"),
    [
        ("numpy", "numpy"),
        ("numpy=1.19", "numpy==1.19.*"),
        ("numpy==1.19", "numpy==1.19"),
        ("numpy=1.19=py38h1", "numpy==1.19"),
        ("numpy 1.19 py38_0", "numpy==1.19"),
        ("numpy=1.19.*", "numpy==1.19.*"),
        ("numpy=1.19*", "numpy==1.19.*"),
        ("numpy>=1.19,<2", "numpy<2,>=1.19"),
        ("numpy>=1.19.*", "numpy>=1.19"),
        ("numpy=*", "numpy"),
        ("conda-forge::numpy=1.19", "numpy==1.19.*"),
        ("PyTorch=1.4", "torch==1.4.*"),
        ("py-xgboost", "xgboost"),
        ("opencv>4", "opencv-python-headless>4"),
        ("tensorflow-gpu==2.4.0", "tensorflow==2.4.0"),
        ("scikit-learn", "scikit-learn"),
        ("pillow", "pillow"),
        ("numpy=1.2[0-3]", "numpy<1.24,>=1.20"),
        ("numpy=1.2[13]", "numpy!=1.22.*,<1.24,>=1.21"),
        ("numpy[version='>=1.19,<2']", "numpy<2,>=1.19"),
        ("setuptools[version=>=20]", "setuptools>=20"),
        ('numpy[version="1.19.*",build=py38*]', "numpy==1.19.*"),
        ("conda-forge::numpy[version='=1.19',channel=x]", "numpy==1.19.*"),
        ("setuptools=46.1.3.post20200330=py37_0", "setuptools==46.1.3"),
        ("python-dateutil=2.9.0post0=py39haa95532_2", "python-dateutil==2.9.0post0"),
        ("conda-forge/linux-64::six=1.16.0=pyh6c4a22f_0", "six==1.16.0"),
        ("arrow=1.2.3=pypi_0", "arrow==1.2.3"),
        ("snappy=0.6=pypi_0", "snappy==0.6"),
        ("redis-py", "redis"),
    ],
)
def test_an_entry_becomes_a_requirement(entry: str, requirement: str) -> None:
    assert translate([entry]).requirements == (requirement,)


@pytest.mark.parametrize("entry", ["mkl", "cudatoolkit=10.0", "nomkl", "cudnn"])
def test_libraries_that_wheels_bring_are_left_out_and_said(entry: str) -> None:
    found = translate([entry])
    assert found.requirements == ()
    assert entry.partition("=")[0] in found.notes[0]


@pytest.mark.parametrize("entry", ["r-base=3.6", "ffmpeg", "nodejs>=10"])
def test_what_is_no_python_package_is_named(entry: str) -> None:
    with pytest.raises(UserErrorException, match="is no Python package") as caught:
        translate([entry], has=lambda program: False)
    assert entry in caught.value.message


def test_a_program_that_the_machine_has_is_left_out() -> None:
    asked: list[str] = []
    found = translate(["openjdk=8", "six"], has=lambda program: not asked.append(program))  # type: ignore[func-returns-value]  # None, so always true
    assert (found.requirements, asked) == (("six",), ["java"])
    assert "openjdk" in found.notes[0]


def test_all_that_cannot_be_had_is_named_in_one_message() -> None:
    with pytest.raises(UserErrorException) as caught:
        translate(["r-base=4.0", "six", "numpy=1|2", "r-dplyr", "ffmpeg", "$(id)"], has=lambda program: False)
    for part in ("r-base=4.0", "r-dplyr", "ffmpeg", "numpy=1|2", "$(id)"):
        assert part in caught.value.message
    assert "six" not in caught.value.message


@pytest.mark.parametrize(
    "entry",
    [
        *HOSTILE_PACKAGES,
        "numpy=1|2",
        "numpy[version]",
        "numpy[version='>=1',]x",
        "numpy=1.[0-]",
        "numpy=",
        "numpy;id",
        "a::b::c",
        "numpy=$(id)",
        "a=b=c=d",
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_entry_is_refused_by_name(entry: str) -> None:
    with pytest.raises(UserErrorException, match="cannot be used as a conda package") as caught:
        EnvironmentSpec(conda_packages=(entry,))
    assert "secret" not in caught.value.message
    assert len(caught.value.message) < 450


def test_a_python_in_the_list_is_a_wish() -> None:
    assert plan(EnvironmentSpec(conda_packages=("python=3.9",))).python.contains("3.9.18")
    assert not plan(EnvironmentSpec(conda_packages=("python=3.9.2",))).python.contains("3.10.1")
    assert plan(EnvironmentSpec(conda_packages=("python=3.9.2",))).python.contains("3.9.18")
    assert plan(EnvironmentSpec(conda_packages=("python=3",))).python.contains("3.9.18")


def test_a_python_that_cannot_be_had_gives_the_nearest_and_a_note() -> None:
    found = plan(EnvironmentSpec(conda_packages=("python=3.6.2",), client_python="3.10"))
    assert found.preferred == "3.8"
    assert found.warnings[0].startswith("Python 3.6.2 cannot be had")
    assert "has 3.8" in found.warnings[0]


@pytest.mark.parametrize(
    ("packages", "minor"),
    [
        (("azureml-defaults==1.0.69", "joblib", "numpy>=1.16"), "3.11"),
        (("azureml-defaults", "joblib==0.14.0"), "3.8"),
        (("azureml-defaults", "numpy<1.20"), "3.8"),
        (("joblib",), "3.8"),
    ],
)
def test_a_list_for_the_v1_sdk_that_binds_no_package_gets_the_python_of_the_notebook(
    packages: tuple[str, ...], minor: str
) -> None:
    spec = EnvironmentSpec(packages=packages, conda_packages=("python=3.6.2",), client_python="3.11")
    found = plan(spec)
    assert found.preferred == minor
    assert f"has {minor}" in found.warnings[0]


def test_an_older_python_asked_for_by_itself_is_an_error_that_names_what_can_be_had() -> None:
    with pytest.raises(UserErrorException, match=r"'3\.5' cannot be had.*3\.6 or newer"):
        plan(EnvironmentSpec(python="3.5"))


def test_a_python_before_3_8_is_had_where_it_is_named_by_itself() -> None:
    found = plan(EnvironmentSpec(python="3.7")).python
    assert found.contains("3.7.16")
    assert not found.contains("3.8.0")


def test_the_v1_sdk_is_taken_out_of_both_lists_and_replaced() -> None:
    spec = EnvironmentSpec(
        packages=("azureml-sdk[notebooks]==1.0.65.*", "AzureML_Train", "six"),
        conda_packages=("azureml-defaults",),
    )
    found = plan(spec)
    assert found.requirements[:2] == ("six", 'msgspec; python_version >= "3.11"')
    note = found.notes[0]
    assert all(name in note for name in ("azureml-sdk", "azureml-train", "azureml-defaults"))


def test_the_v1_defaults_bring_what_scripts_had_from_them() -> None:
    found = plan(EnvironmentSpec(packages=("azureml-defaults", "pandas==2.2.3", "joblib")))
    assert found.requirements[-2:] == ("numpy", "requests")
    assert "numpy, requests" in found.notes[1]
    core = plan(EnvironmentSpec(packages=("azureml-core", "joblib")))
    assert core.requirements == ("joblib", 'msgspec; python_version >= "3.11"')


@pytest.mark.parametrize(
    ("packages", "brought"),
    [
        (("azureml-mlflow",), ("mlflow-skinny",)),
        (("azureml-mlflow==1.60.0",), ("mlflow-skinny",)),
        (("azureml-mlflow~=1.10.0",), ("mlflow",)),
        (("azureml-mlflow", "azureml-core==1.0.65.*"), ("mlflow",)),
        (("azureml-mlflow", "mlflow==2.22.5"), ()),
        (("azureml-mlflow", "mlflow_skinny<3"), ()),
        (("azureml-core",), ()),
    ],
)
def test_the_plug_in_of_mlflow_brings_its_client(packages: tuple[str, ...], brought: tuple[str, ...]) -> None:
    found = plan(EnvironmentSpec(packages=packages)).requirements
    assert tuple(each for each in found if each in ("mlflow", "mlflow-skinny")) == brought


def test_what_tables_are_read_with_comes_with_dataprep() -> None:
    found = plan(EnvironmentSpec(packages=("azureml-dataprep[pandas,fuse]", "pandas==2.2.3")))
    assert found.requirements == ("pandas==2.2.3", 'msgspec; python_version >= "3.11"', "pyarrow")


@pytest.mark.long
def test_an_unknown_name_is_taken_where_the_index_has_it(package_folder: Path) -> None:
    make_wheel(package_folder, "thing")
    log: list[str] = []
    prepared = prepare(EnvironmentSpec(conda_packages=("thing=1.0",)), log.append)
    assert prepared.lock.requirements.startswith("thing==1.0")
    assert any("thing" in line and "its own name" in line for line in log)


def test_an_unknown_name_that_the_index_lacks_says_what_to_write(package_folder: Path) -> None:
    with pytest.raises(EnvironmentBuildException, match=r"has no strangelib.*pip_packages"):
        prepare(EnvironmentSpec(conda_packages=("strangelib",)), lambda line: None)


def test_one_list_in_another_order_is_the_same_environment() -> None:
    one = EnvironmentSpec(conda_packages=("numpy", "python=3.9"))
    assert one.digest == EnvironmentSpec(conda_packages=("python=3.9", " numpy")).digest
    assert one.digest != EnvironmentSpec(conda_packages=("numpy",)).digest


def test_parse_keeps_what_is_not_looked_at() -> None:
    assert parse("conda-forge::numpy=1.19=py38h1").dropped == "channel conda-forge and build py38h1"
