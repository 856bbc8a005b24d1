"""Environments of their time: the Python and the versions of a day."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from faena.environments import by_date_errors, index_pages, interpreters, probe, user_pythons
from faena.environments.index_pages import File
from faena.environments.model import EnvironmentSpec
from faena.environments.package_index import Index
from faena.environments.prepare import find_ready, prepare
from faena.environments.resolve import resolve
from faena.kernel.errors import EnvironmentBuildException
from tests.environments import dated_index
from tests.environments.dated_index import TOOLS, locked, old_python
from tests.environments.packages import make_sdist, make_wheel


@pytest.mark.long
def test_versions_python_and_tools_are_those_of_the_day_and_the_environment_runs(
    index: dict[Path, str], tmp_path: Path
) -> None:
    old = old_python()
    index |= {
        make_wheel(tmp_path / "index", "kit", version): day
        for version, day in [("1.0", "2019-01-01"), ("1.1", "2019-10-01"), ("1.2", "2019-10-02")]
    }
    spec = EnvironmentSpec(packages=("kit",), as_of="2019-10-01")
    prepared = prepare(spec, print)
    assert prepared.lock.interpreter.kind == old.kind
    assert prepared.lock.as_of == "2019-10-01"
    versions = ["kit==1.1", *(f"{name}=={version}" for name, version in TOOLS.items())]
    assert locked(prepared.lock.requirements) == versions
    said = subprocess.run(
        [prepared.python, "-c", "import kit, pip; print(kit.VERSION, pip.VERSION)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "1.1 19.2.3\n"
    assert find_ready(spec) is not None
    later = resolve(EnvironmentSpec(packages=("kit",), as_of="2019-10-01", notes=("again",)), print)
    assert later.digest == prepared.lock.digest


@pytest.mark.long
@pytest.mark.parametrize("named", ["python=3.5", "python=2.7"])
def test_a_conda_list_with_a_python_that_is_too_old_gets_the_oldest_of_the_day(
    named: str, index: dict[Path, str], tmp_path: Path
) -> None:
    old_python()
    oldest = interpreters.of_minors(["3.6", "3.7"])[0]
    index[make_wheel(tmp_path / "index", "kit", "1.0")] = "2019-01-01"
    said: list[str] = []
    lock = resolve(
        EnvironmentSpec(packages=("kit",), conda_packages=(named,), as_of="2019-10-01"), said.append
    )
    assert lock.interpreter.kind == oldest.kind
    assert f"Python {named[7:]} cannot be had: scripts need 3.6 or newer." in said[0]
    assert "3.8" not in said[0]


@pytest.mark.long
def test_a_package_may_want_an_earlier_setuptools_than_the_day_had(
    index: dict[Path, str], tmp_path: Path
) -> None:
    old_python()
    index[make_wheel(tmp_path / "index", "setuptools", "39.1.0")] = "2018-04-01"
    index[make_wheel(tmp_path / "index", "kit", "1.0", requires="setuptools<=39.1.0")] = "2019-01-01"
    lock = resolve(EnvironmentSpec(packages=("kit",), as_of="2019-10-01"), print)
    assert locked(lock.requirements) == ["kit==1.0", "pip==19.2.3", "setuptools==39.1.0", "wheel==0.33.6"]


@pytest.mark.long
def test_a_framework_of_older_pythons_is_had_as_of_its_time_though_nobody_says_a_date(
    index: dict[Path, str], tmp_path: Path
) -> None:
    old = old_python()
    index |= {
        make_wheel(tmp_path / "index", name, version): day
        for name, version, day in [
            ("tensorflow", "1.13.1", "2019-02-26"),
            ("protobuf", "3.7", "2019-03-01"),
            ("protobuf", "4.0", "2022-03-01"),
        ]
    }
    said: list[str] = []
    spec = EnvironmentSpec(framework="tensorflow", framework_version="1.13", packages=("protobuf",))
    lock = resolve(spec, said.append)
    assert (lock.as_of, lock.interpreter.kind) == ("2019-05-27", old.kind)
    assert locked(lock.requirements)[-2:] == ["tensorflow==1.13.1", "wheel==0.32.3"]
    assert "protobuf==3.7" in locked(lock.requirements)
    assert any("exists for Pythons before 3.8 alone" in line and "'today'" in line for line in said)


@pytest.mark.long
def test_two_days_with_the_same_versions_share_one_environment(
    index: dict[Path, str], tmp_path: Path
) -> None:
    old_python()
    index[make_wheel(tmp_path / "index", "kit", "1.0")] = "2019-01-01"
    first, second = (
        resolve(EnvironmentSpec(packages=("kit",), as_of=day), print) for day in ("2019-09-01", "2019-09-20")
    )
    assert first.as_of != second.as_of
    assert first.digest == second.digest


@pytest.mark.long
def test_the_date_is_kept_when_a_source_distribution_is_built(index: dict[Path, str], tmp_path: Path) -> None:
    old_python()
    index[make_sdist(tmp_path / "index", "made", "pass")] = "2019-01-01"
    prepared = prepare(EnvironmentSpec(packages=("made",), as_of="2019-10-01"), print)
    subprocess.run([prepared.python, "-c", "import made"], check=True)


@pytest.mark.long
def test_a_package_with_wheels_for_an_older_python_is_not_built_on_a_newer_one(
    index: dict[Path, str], tmp_path: Path
) -> None:
    old = old_python()
    minor = old.kind[1].replace(".", "")
    wheel = make_wheel(tmp_path / "index", "fast", "1.0")
    binary = wheel.with_name(f"fast-1.0-cp{minor}-cp{minor}m-manylinux1_x86_64.whl")
    wheel.rename(binary)
    index |= {
        binary: "2019-01-01",
        make_sdist(tmp_path / "index", "fast", "raise SystemExit(1)"): "2019-01-01",
    }
    said: list[str] = []
    lock = resolve(EnvironmentSpec(packages=("fast",), as_of="2021-06-01"), said.append)
    assert lock.interpreter.kind == old.kind


@pytest.mark.long
def test_a_package_that_had_wheels_for_some_pythons_and_has_pure_ones_keeps_no_python_out(
    index: dict[Path, str], tmp_path: Path
) -> None:
    old = old_python()
    wheel = make_wheel(tmp_path / "index", "board", "1.0")
    binary = wheel.with_name("board-1.0-cp35-cp35m-manylinux1_x86_64.whl")
    wheel.rename(binary)
    index |= {binary: "2018-01-01", make_wheel(tmp_path / "index", "board", "1.1"): "2019-01-01"}
    lock = resolve(EnvironmentSpec(packages=("board",), as_of="2019-10-01"), print)
    assert (lock.interpreter.kind, locked(lock.requirements)[0]) == (old.kind, "board==1.1")


def test_without_a_python_of_that_time_the_error_names_it_and_three_ways_to_have_it(
    index: dict[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index[make_wheel(tmp_path / "index", "kit", "1.0")] = "2019-01-01"
    own = interpreters._running()
    monkeypatch.setattr(interpreters, "_candidates", lambda: iter(()))
    with pytest.raises(EnvironmentBuildException) as failed:
        resolve(EnvironmentSpec(packages=("kit",), as_of="2019-10-01"), print)
    told = str(failed.value)
    answer = probe.recall(own)
    assert answer is not None
    assert "Python 3.7 or 3.6 is needed for kit as of 2019-10-01" in told
    assert f"this machine has {answer.version}" in told
    for way in (
        "pyenv install 3.7.17",
        "conda create -n py37 python=3.7",
        "without a network",
        "FAENA_PYTHONS",
    ):
        assert way in told


@pytest.mark.parametrize("asked", ["kit==1.99.*", "kit==3.0", "kit~=5.9.0"])
def test_a_version_that_never_was_is_told_with_those_of_the_day(asked: str) -> None:
    kit = [
        File(Version(version), dt.date.fromisoformat(day), None)
        for version, day in [("1.0", "2019-01-01"), ("1.1", "2019-09-01"), ("2.0", "2021-01-01")]
    ]
    with pytest.raises(EnvironmentBuildException) as failed:
        by_date_errors.refuse_later([asked], {"kit": kit}, "2019-10-01", ())
    told = failed.value.message
    assert told.startswith("There is no version ")
    assert (
        "of kit: as of 2019-10-01 the newest is 1.1. Ask for one of that day: 1.0, 1.1; or for none." in told
    )
    for kept_by_uv in ("kit==1.0+cpu", "kit>=1"):
        by_date_errors.refuse_later([kept_by_uv], {"kit": kit}, "2019-10-01", ())
    by_date_errors.refuse_later([asked], {"kit": kit}, "2019-10-01", ["kit"])


def test_a_version_for_pythons_that_are_too_old_is_blamed_and_no_python_that_is_here(
    index: dict[Path, str], tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path / "index", "kit", "1.0")
    binary = wheel.with_name("kit-1.0-cp35-cp35m-manylinux1_x86_64.whl")
    wheel.rename(binary)
    index[binary] = "2017-01-01"
    with pytest.raises(
        EnvironmentBuildException,
        match=r"^As of 2017-06-01 there is no Python .* can have 3\.6 of .* wheels of kit==1\.0 for 3\.5\. Ask for",
    ):
        resolve(EnvironmentSpec(packages=("kit==1.0",), as_of="2017-06-01"), print)


def test_nothing_is_fetched_before_what_is_here_was_tried(
    index: dict[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index[make_wheel(tmp_path / "index", "kit", "1.0")] = "2019-01-01"
    monkeypatch.setattr(interpreters, "_candidates", lambda: iter(()))  # of the day there is the running one
    fetched: list[SpecifierSet] = []
    monkeypatch.setattr(interpreters, "_install", lambda wanted, log: fetched.append(wanted))
    lock = resolve(EnvironmentSpec(packages=("kit",), as_of="2026-01-10"), print)
    assert lock.interpreter.version.startswith("3.")
    assert fetched == []


def test_interpreters_are_looked_for_where_the_user_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "pythons" / "one" / "bin"
    place.mkdir(parents=True)
    (place / "python3").symlink_to(interpreters._running())
    monkeypatch.setenv("FAENA_PYTHONS", f"relative:{tmp_path / 'pythons'}")
    assert str(place / "python3") in list(interpreters._candidates())
    (tmp_path / "text").write_text("no program")
    monkeypatch.setenv(
        "FAENA_PYTHONS", f"{tmp_path / 'pythons'}::junk:/nonexistent:{tmp_path / 'text'}:/bin/false"
    )
    assert user_pythons.without_python() == [
        "'junk' (no absolute path)",
        "'/nonexistent' (not there)",
        f"{str(tmp_path / 'text')!r} (does not answer as a Python 3)",
        "'/bin/false' (does not answer as a Python 3)",
    ]


@pytest.mark.long
def test_files_without_a_date_are_named_once_by_index_and_let_in_by_name(
    index: dict[Path, str], tmp_path: Path
) -> None:
    old_python()
    index |= {make_wheel(tmp_path / "index", "bare", version): "" for version in ("1.0", "2.0")}
    said: list[str] = []
    with pytest.raises(EnvironmentBuildException, match=r"does not say when files came: 2 files of bare"):
        resolve(EnvironmentSpec(packages=("bare",), as_of="2019-10-01"), said.append)
    assert not any("missing an upload date" in line for line in said)
    assert not any("does not contain any dependencies" in line for line in said)
    lock = resolve(EnvironmentSpec(packages=("bare",), as_of="2019-10-01", undated=("bare",)), print)
    assert locked(lock.requirements)[0] == "bare==2.0"


@pytest.mark.long
def test_find_links_are_not_used_as_of_a_date_unless_a_package_is_named(
    index: dict[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_python()
    index |= {make_wheel(tmp_path / "index", name, "1.0"): "2019-01-01" for name in ("kit", "other")}
    make_wheel(tmp_path / "links", "kit", "9.0")
    make_wheel(tmp_path / "links", "other", "9.0")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "links"))
    packages = ("kit", "other")
    said: list[str] = []
    lock = resolve(EnvironmentSpec(packages=packages, as_of="2019-10-01"), said.append)
    assert locked(lock.requirements)[:2] == ["kit==1.0", "other==1.0"]
    assert any("are not used as of a date" in line for line in said)
    named = prepare(EnvironmentSpec(packages=packages, as_of="2019-10-01", undated=("kit",)), print)
    assert sorted(locked(named.lock.requirements))[:2] == ["kit==9.0", "other==1.0"]


def test_a_version_that_came_later_is_named_with_its_day(index: dict[Path, str], tmp_path: Path) -> None:
    index |= {
        make_wheel(tmp_path / "index", "kit", version): day
        for version, day in [("1.0", "2019-01-01"), ("2.0", "2020-05-04")]
    }
    with pytest.raises(
        EnvironmentBuildException,
        match=r"kit==2\.0 was not there on 2019-10-01.*2020-05-04.*that day is 1\.0",
    ):
        resolve(EnvironmentSpec(packages=("kit==2.0",), as_of="2019-10-01"), print)


@pytest.mark.long
def test_auto_is_three_months_after_the_version_that_is_named(index: dict[Path, str], tmp_path: Path) -> None:
    old_python()
    index[make_wheel(tmp_path / "index", "kit", "1.0")] = "2019-07-01"
    said: list[str] = []
    lock = resolve(EnvironmentSpec(packages=("kit==1.0",), as_of="auto"), said.append)
    assert lock.as_of == "2019-09-29"
    assert any("kit==1.0 came on 2019-07-01" in line for line in said)


@pytest.mark.long
def test_the_date_of_uvs_own_variable_holds_and_is_left_where_the_spec_has_one(
    index: dict[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_python()
    index |= {
        make_wheel(tmp_path / "index", "kit", version): day
        for version, day in [("1.0", "2019-01-01"), ("1.1", "2019-10-01")]
    }
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2019-09-15T00:00:00Z")
    lock = resolve(EnvironmentSpec(packages=("kit",)), print)
    assert (lock.as_of, locked(lock.requirements)[0]) == ("2019-09-15", "kit==1.0")
    lock = resolve(EnvironmentSpec(packages=("kit",), as_of="2019-10-05"), print)
    assert locked(lock.requirements)[0] == "kit==1.1"


def test_a_node_without_the_python_of_a_lock_says_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "_candidates", lambda: iter(()))
    with pytest.raises(
        EnvironmentBuildException, match=r"suits ==3\.7\.\*\..*pyenv install 3\.7\.17.*FAENA_PYTHONS"
    ):
        interpreters.choose(SpecifierSet("==3.7.*"), print)


def test_of_two_indexes_with_one_file_the_one_without_dates_is_named(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "kit")
    with dated_index.serving({wheel: "2019-01-01"}) as dated, dated_index.serving({wheel: ""}) as bare:
        indexes = [Index(dated), Index(bare)]
        assert index_pages.that_lists(wheel.name, "kit", indexes) == bare


def test_what_is_for_another_python_alone_may_have_come_later() -> None:
    later = File(Version("0.1"), dt.date(2021, 2, 23), None)
    by_date_errors.refuse_later(['kit; python_version >= "3.11"'], {"kit": [later]}, "2019-10-01", ())
    with pytest.raises(EnvironmentBuildException, match="came on 2021-02-23"):
        by_date_errors.refuse_later(["kit"], {"kit": [later]}, "2019-10-01", ())
