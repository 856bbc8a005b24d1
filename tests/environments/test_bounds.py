"""Bounds that releases forgot are kept wherever a lock has the package; the user's own words win, and are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from faena.environments import bounds
from faena.environments.catalogue import plan
from faena.environments.model import EnvironmentSpec
from faena.environments.prepare import find_ready, prepare
from faena.environments.resolve import resolve
from faena.environments.schemas import PipOptions

from .packages import make_sdist, make_wheel


@pytest.fixture
def packages(package_folder: Path) -> Path:
    """scikit-learn as it is: 1.3.2 knows its bound, 1.3.0 forgot it, 1.5.0 needs none."""
    make_wheel(package_folder, "numpy", "1.26.4")
    make_wheel(package_folder, "numpy", "2.0.0")
    make_wheel(package_folder, "scikit_learn", "1.3.0", requires="numpy>=1.17")
    make_wheel(package_folder, "scikit_learn", "1.3.2", requires="numpy>=1.17,<2")
    make_wheel(package_folder, "scikit_learn", "1.5.0", requires="numpy>=1.17")
    make_wheel(package_folder, "explainer", "1.0", requires="scikit-learn<1.4")
    return package_folder


def resolved(**asked: object) -> tuple[set[str], list[str]]:
    log: list[str] = []
    lock = resolve(EnvironmentSpec(**asked), log.append)  # type: ignore[arg-type]  # fields by name
    lines = lock.requirements.splitlines()
    return {line.split(" ")[0] for line in lines if not line.startswith(" ")}, log


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "asked",
    [
        {"packages": ("scikit-learn==1.3.*",)},
        {"packages": ("scikit-learn<1.4", "numpy>=1.20")},
        {"conda_packages": ("scikit-learn=1.3",)},
        {"conda_packages": ("scikit-learn<1.4", "numpy")},
    ],
    ids=str,
)
def test_the_newest_that_work_together_are_taken(packages: Path, asked: dict[str, object]) -> None:
    assert resolved(**asked)[0] == {"scikit-learn==1.3.2", "numpy==1.26.4"}


def test_a_bound_that_was_added_is_told(packages: Path) -> None:
    _, log = resolved(packages=("numpy", "scikit-learn==1.3.0"))
    assert any("scikit-learn 1.3.0" in line and "numpy<2" in line for line in log)


def test_also_where_another_package_needs_it(packages: Path) -> None:
    assert resolved(packages=("explainer",))[0] == {"explainer==1.0", "scikit-learn==1.3.2", "numpy==1.26.4"}


def test_what_knows_its_bounds_is_left_alone(packages: Path) -> None:
    assert resolved(packages=("scikit-learn",))[0] == {"scikit-learn==1.5.0", "numpy==2.0.0"}


@pytest.mark.long
def test_the_user_wins_and_is_told_once_for_all(packages: Path) -> None:
    asked = EnvironmentSpec(packages=("scikit-learn==1.3.0", "numpy==2.0.0"))
    found, log = resolved(packages=asked.packages)
    assert found == {"scikit-learn==1.3.0", "numpy==2.0.0"}
    assert any("scikit-learn 1.3.0" in line and "left as asked" in line for line in log)
    prepare(asked, log.append)
    assert find_ready(asked) is not None, "it is not resolved again and again"


@pytest.mark.long
def test_a_lock_from_before_the_table_knew_is_made_anew(
    packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = EnvironmentSpec(packages=("scikit-learn==1.3.0",))
    with monkeypatch.context() as patched:
        patched.setattr(bounds, "ROWS", ())
        prepare(asked, lambda line: None)
        assert find_ready(asked) is not None
    assert find_ready(asked) is None
    assert "numpy==1.26.4" in prepare(asked, lambda line: None).lock.requirements


def test_what_is_imported_and_not_listed_is_brought(package_folder: Path) -> None:
    make_wheel(package_folder, "tensorboard", "2.14.0")
    make_wheel(package_folder, "setuptools", "80.0")
    make_wheel(package_folder, "setuptools", "84.0")
    assert resolved(packages=("tensorboard",))[0] == {"tensorboard==2.14.0", "setuptools==80.0"}


@pytest.mark.long
def test_of_several_bounds_those_that_can_hold_are_kept(package_folder: Path) -> None:
    make_wheel(package_folder, "numpy", "2.0.0")
    for version in ("80.0", "84.0"):
        make_wheel(package_folder, "setuptools", version)
    make_wheel(package_folder, "hyperopt", "0.2.7", requires="plotly<5")
    make_wheel(package_folder, "plotly", "4.14.3", requires="numpy")
    found, log = resolved(packages=("hyperopt",))
    assert found == {"hyperopt==0.2.7", "plotly==4.14.3", "numpy==2.0.0", "setuptools==80.0"}
    assert any("setuptools<81 is asked for as well" in line for line in log)
    assert any("plotly 4.14.3" in line and "left as asked" in line for line in log)


@pytest.mark.long
def test_a_bound_builds_nothing_from_source(packages: Path) -> None:
    for wheel in packages.glob("numpy-1*"):
        wheel.unlink()
    make_sdist(packages, "numpy", "raise SystemExit('no compiler')", "1.26.4")
    assert "numpy==2.0.0" in resolved(packages=("numpy", "scikit-learn==1.3.0"))[0]


def test_constraints_of_the_user_stay(packages: Path) -> None:
    make_wheel(packages, "numpy", "1.25.0")
    found, _ = resolved(packages=("scikit-learn==1.3.0",), pip=PipOptions(constraints=("numpy<1.26",)))
    assert found == {"scikit-learn==1.3.0", "numpy==1.25.0"}


def test_a_framework_in_a_list_is_guarded_as_one_that_is_asked_for() -> None:
    found = plan(EnvironmentSpec(packages=("chainer",), client_python="3.13"))
    assert found.build_constraints == ("setuptools<80",)
    assert not found.python.contains("3.13.0")
    old = plan(EnvironmentSpec(conda_packages=("tensorflow==2.4.1",), client_python="3.11"))
    assert old.python.contains("3.8.18")
    assert not old.python.contains("3.9.1")
    said = plan(EnvironmentSpec(packages=("tensorflow==2.4.1",), python="3.11"))
    assert said.python.contains("3.11.2"), "the user's word wins"
    cpu = plan(EnvironmentSpec(packages=("tensorflow-cpu<2.5",), client_python="3.11"))
    assert not cpu.python.contains("3.9.1")
    by_python = ('tensorflow==2.4.4; python_version < "3.9"', 'tensorflow==2.15.1; python_version >= "3.9"')
    assert plan(EnvironmentSpec(packages=by_python, client_python="3.11")).python.contains("3.11.2")


def test_pins_that_the_user_overrules_are_told(packages: Path) -> None:
    _, log = resolved(
        framework="sklearn", framework_version="1.3.2", packages=("numpy==2.0.0", "scikit-learn==1.3.0")
    )
    assert any("numpy==2.0.0 is taken as asked, in place of numpy<2" in line for line in log)


@pytest.mark.parametrize("marker", ['python_version < "3"', 'python_full_version >= "3.99"'])
def test_a_line_that_does_not_apply_overrules_nothing(packages: Path, marker: str) -> None:
    found, _ = resolved(framework="sklearn", framework_version="1.3.2", packages=(f"numpy==2.0.0; {marker}",))
    assert "numpy==1.26.4" in found


def test_opposite_markers_install_the_one_that_applies(packages: Path) -> None:
    lines = ('numpy==2.0.0; python_version < "3"', 'numpy==1.26.4; python_version >= "3"')
    assert resolved(packages=lines)[0] == {"numpy==1.26.4"}
    assert resolved(packages=lines[::-1])[0] == {"numpy==1.26.4"}


def test_a_name_given_twice_means_both(packages: Path) -> None:
    assert resolved(packages=("numpy", "numpy<2"))[0] == {"numpy==1.26.4"}
    assert resolved(conda_packages=("numpy<2", "numpy"), packages=("numpy>1",))[0] == {"numpy==1.26.4"}


@pytest.mark.parametrize("row", bounds.ROWS, ids=lambda row: f"{row.package}-{row.requirement}")
def test_every_row_can_be_read(row: bounds.Row) -> None:
    assert str(SpecifierSet(row.versions))
    assert row.needed or str(Requirement(row.requirement).specifier)
    assert row.why
