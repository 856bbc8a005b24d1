"""What a lock of a date comes to later, and what is said of an index whose dates cannot be."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from pathlib import Path

import pytest

from faena.environments import date_lies
from faena.environments.folders import envs
from faena.environments.index_pages import of
from faena.environments.model import EnvironmentSpec
from faena.environments.package_index import Index
from faena.environments.prepare import prepare
from faena.environments.resolve import resolve
from faena.kernel.errors import EnvironmentBuildException
from tests.environments import dated_index
from tests.environments.dated_index import locked, old_python
from tests.environments.packages import make_sdist, make_wheel

_TODAY = dt.date(2026, 6, 1)


@pytest.mark.long
def test_a_lock_that_is_built_again_later_builds_with_what_its_day_had(
    index: dict[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_python()
    told = tmp_path / "told"
    body = f"import maker\nopen({str(told)!r}, 'a').write(maker.VERSION + ' ')"
    index |= {
        make_wheel(tmp_path / "index", "maker", "1.0"): "2019-01-01",
        make_sdist(tmp_path / "index", "made", body, builds_with="maker"): "2019-01-01",
    }
    first = prepare(EnvironmentSpec(packages=("made",), as_of="2019-10-01"), print)
    index[make_wheel(tmp_path / "index", "maker", "2.0")] = "2019-10-02"
    shutil.rmtree(envs())
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "another-cache"))
    again = prepare(EnvironmentSpec(packages=("made",), as_of="2019-10-01"), print, lock=first.lock)
    subprocess.run([again.python, "-c", "import made"], check=True)
    assert set(told.read_text().split()) == {"1.0"}


def test_what_is_for_newer_pythons_alone_neither_keeps_one_out_nor_is_missed(
    index: dict[Path, str], tmp_path: Path
) -> None:
    old = old_python()
    wheel = make_wheel(tmp_path / "index", "fast", "1.0")
    index |= {
        wheel.rename(wheel.with_name("fast-1.0-cp311-cp311-manylinux1_x86_64.whl")): "2019-01-01",
        make_wheel(tmp_path / "index", "later", "1.0"): "2021-01-01",
        make_wheel(tmp_path / "index", "kit", "1.0"): "2019-01-01",
    }
    markers = ('fast; python_version >= "3.11"', 'later; python_version >= "3.11"')
    lock = resolve(EnvironmentSpec(packages=("kit", *markers), as_of="2019-10-01"), print)
    assert (lock.interpreter.kind, locked(lock.requirements)[0]) == (old.kind, "kit==1.0")


@pytest.mark.long
def test_a_pandas_that_asks_for_a_version_which_is_none_is_had(
    index: dict[Path, str], tmp_path: Path
) -> None:
    old_python()
    index |= {
        make_wheel(tmp_path / "index", "pandas", "0.24.2", requires="pytz>=2011k"): "2019-03-01",
        **{
            make_wheel(tmp_path / "index", name, version): "2019-01-01"
            for name, version in [("pytz", "2018.9"), ("numpy", "1.16.0"), ("python_dateutil", "2.8.0")]
        },
    }
    prepared = prepare(EnvironmentSpec(packages=("pandas",), as_of="2019-05-01"), print)
    assert {"pandas==0.24.2", "pytz==2018.9"} <= set(locked(prepared.lock.requirements))


@pytest.mark.long
def test_a_source_that_cannot_be_built_today_names_the_date_that_would_do(
    index: dict[Path, str], tmp_path: Path
) -> None:
    index[make_sdist(tmp_path / "index", "old", "raise SystemExit(1)")] = "2019-07-18"
    with pytest.raises(EnvironmentBuildException) as failed:
        prepare(EnvironmentSpec(packages=("old==1.0",)), print)
    assert "as_of='2019-10-16' (--as-of 2019-10-16)" in failed.value.message.splitlines()[0]


def test_an_index_that_gives_the_days_of_a_copy_is_named_beside_what_came_later(
    index: dict[Path, str], tmp_path: Path
) -> None:
    index[make_wheel(tmp_path / "index", "tensorflow", "1.13.1")] = "2023-05-04"
    with pytest.raises(
        EnvironmentBuildException,
        match=r"was not there on 2019-10-01.*An index says .* 1\.13\.1 came on 2023-05-04, and it came on 2019-02-26",
    ):
        resolve(EnvironmentSpec(packages=("tensorflow==1.13.1",), as_of="2019-10-01"), print)


@pytest.mark.long
def test_a_day_to_come_keeps_a_version_out_and_is_told(index: dict[Path, str], tmp_path: Path) -> None:
    old_python()
    index |= {
        make_wheel(tmp_path / "index", "kit", version): day
        for version, day in [("1.0", "2019-01-01"), ("2.0", "2999-01-01")]
    }
    said: list[str] = []
    lock = resolve(EnvironmentSpec(packages=("kit",), as_of="2019-10-01"), said.append)
    assert locked(lock.requirements)[0] == "kit==1.0"
    assert any("kit 2.0 came on 2999-01-01, a day that has not come" in line for line in said)


@pytest.mark.parametrize(
    ("name", "day", "why"),
    [
        ("kit-1.0-py3-none-any.whl", "1970-01-01", "when there was no index"),
        (
            "kit-1.0-cp312-cp312-manylinux1_x86_64.whl",
            "2019-01-01",
            "for Python 3.12, which came on 2023-10-02",
        ),
        ("kit-1.0-cp312-cp312-manylinux1_x86_64.whl", "2023-08-01", ""),
        ("kit-1.0-cp36-abi3-manylinux1_x86_64.whl", "2019-01-01", ""),
    ],
)
def test_days_before_there_could_be_such_a_file_are_told(
    tmp_path: Path, name: str, day: str, why: str
) -> None:
    wheel = make_wheel(tmp_path, "kit").rename(tmp_path / name)
    with dated_index.serving({wheel: day}) as url:
        found = date_lies.seen(["kit"], of(["kit"], [Index(url)]), _TODAY)
    assert [why in each for each in found] == ([True] if why else [])


def test_ranks_of_mpi_are_refused_before_anything_is_asked_where_a_default_names_a_day_too_early(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/nobody")
    spec = EnvironmentSpec(
        packages=("mpi4py>=4,<5", "mpich>=4.2,<6"), undated=("mpi4py", "mpich"), as_of="2019-10-01"
    )
    with pytest.raises(EnvironmentBuildException, match="Ranks of MPI need mpi4py 4"):
        resolve(spec, print)
