"""The cores that may be used, and each script's share of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faena.compute.cores import fair_share, threads_for, usable_cores

ALL = len(os.sched_getaffinity(0))


def cores(folder: Path, own: str, **files: str) -> int:
    (folder / "own").write_text(own)
    for name, text in files.items():
        file = folder / "mounted" / name.replace("__", "/").replace("_MAX", ".max")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return usable_cores(folder / "own", folder / "mounted")


def test_the_quota_of_a_container_counts(tmp_path: Path) -> None:
    assert cores(tmp_path, "0::/a/b\n", a__b__cpu_MAX="max 100000\n", a__cpu_MAX="100000 100000\n") == 1


def test_of_which_only_the_root_is_mounted(tmp_path: Path) -> None:
    assert cores(tmp_path, "0::/docker/1f\n", cpu_MAX="150000 100000\n") == 1


def test_less_than_one_core_is_one(tmp_path: Path) -> None:
    assert cores(tmp_path, "0::/\n", cpu_MAX="20000 100000\n") == 1


def test_the_first_version_of_control_groups(tmp_path: Path) -> None:
    (tmp_path / "mounted/cpu/x").mkdir(parents=True)
    (tmp_path / "mounted/cpu/x/cpu.cfs_quota_us").write_text("100000\n")
    (tmp_path / "mounted/cpu/x/cpu.cfs_period_us").write_text("100000\n")
    assert cores(tmp_path, "3:memory:/y\n2:cpu,cpuacct:/x\n") == 1


@pytest.mark.parametrize("text", ["max 100000", "", "x y", "100 0", "-1 100000", "99999999 100000"])
def test_no_limit_and_damage_leave_all(tmp_path: Path, text: str) -> None:
    assert cores(tmp_path, "0::/\n", cpu_MAX=text) == min(ALL, 999)
    assert usable_cores(tmp_path / "none", tmp_path) == ALL


@pytest.mark.parametrize(
    ("fixed", "cores", "at_once", "expected"),
    [(None, 16, 1, 16), (None, 16, 3, 5), (None, 2, 4, 1), (None, 2, 0, 2), (3, 2, 1, 3), (1, 16, 1, 1)],
)
def test_shares(fixed: int | None, cores: int, at_once: int, expected: int) -> None:
    assert threads_for(fixed, cores, at_once) == expected


def test_a_fair_share() -> None:
    assert (fair_share(16, 4), fair_share(2, 4), fair_share(2, 0)) == (4, 1, 2)
