"""A disk that fills up while a script logs, and has space again later."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.script.conftest import RunHere
from tests.script.spool_reader import read_folder

HEAD = """
import os, resource, sys
from faena import Run
run = Run.get_context()
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
def space(size):  # SIGXFSZ is ignored by Python: a write beyond is cut short, then EFBIG
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
"""


def test_points_are_dropped_and_counted_and_come_back(here: RunHere) -> None:
    _, err = here.run(
        HEAD
        + """
run.log("a", 0)
space(1000)
for i in range(1, 101):
    run.log("a", i)
    run.log("b", i)
space(hard)
for i in range(101, 111):
    run.log("a", i)
    run.log("b", i)
"""
    )
    assert err.count("faena:") == 1, "one warning"
    assert "the script goes on" in err.lower()
    spool = here.spool()
    before = [value for value in spool.values("a") if value <= 100]
    assert before == list(range(len(before)))
    assert spool.values("a")[len(before) :] == list(range(101, 111))
    assert spool.values("b")[-10:] == list(range(101, 111))
    written = len(spool.values("a")) + len(spool.values("b"))
    assert spool.ends[0]["dropped"] == 221 - written
    assert 0 < spool.bad_bytes < 40, "one record was cut short"


@pytest.mark.few(4)
@pytest.mark.parametrize("size", range(150, 250, 7))
def test_a_name_cut_short_is_defined_again(here: RunHere, size: int) -> None:
    here.run(
        HEAD
        + f"""
run.log("first", 1.0)
space({size})
for i in range(5):
    run.log("second", float(i))
space(hard)
run.log("second", 5.0)
run.log("first", 2.0)
"""
    )
    spool = here.spool()
    assert spool.values("second")[-1] == 5.0
    assert spool.values("first") == [1.0, 2.0]
    assert spool.ends[0]["dropped"] + len(spool.values("second")) == 6


def test_a_long_event_cut_short_does_not_hide_what_follows(here: RunHere) -> None:
    here.run(
        HEAD
        + """
run.log("a", 1.0)
space(20000)
run.log_list("long", list(range(100000)))
run.log("a", 2.0)
space(hard)
run.log("a", 3.0)
"""
    )
    spool = here.spool()
    assert sorted(spool.values("a")) == [1.0, 2.0, 3.0]
    assert len(spool.files) == 2, "the records after the torn one are in a file of their own"
    assert spool.ends[0]["dropped"] == 1


def test_a_spool_folder_that_is_gone_or_comes_late(here: RunHere) -> None:
    here.spool_folder.rmdir()
    _, err = here.run(
        HEAD
        + """
run.log("a", 1.0)
run.log("a", 2.0)
os.mkdir(os.environ["FAENA_SPOOL"])
run.log("a", 3.0)
"""
    )
    assert err.count("faena:") == 1
    assert str(here.spool_folder) in err
    assert here.spool().values("a") == [3.0]
    assert here.spool().ends[0]["dropped"] == 2


def test_stderr_on_the_full_disk_too(here: RunHere) -> None:
    here.run(
        HEAD
        + "sys.stderr = open('/dev/full', 'w', buffering=1)\nspace(0)\nrun.log('a', 1)\nsys.stderr = None\n"
    )
    assert here.spool().values("a") == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A file system of 64 KiB. Needs the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root; the tests above use RLIMIT_FSIZE instead")
    return folder


def test_a_file_system_without_space(here: RunHere, small_disk: Path) -> None:
    here.extra = {"FAENA_SPOOL": str(small_disk / "spool"), "BALLAST": str(small_disk / "ballast")}
    (small_disk / "spool").mkdir()
    (small_disk / "ballast").write_bytes(bytes(16384))
    try:
        _, err = here.run(
            """
import os
from faena import Run
run = Run.get_context()
for i in range(3000):
    run.log("a", i)
os.unlink(os.environ["BALLAST"])
for i in range(3000, 3100):
    run.log("a", i)
"""
        )
        spool = read_folder(small_disk / "spool")
    finally:
        subprocess.run(["umount", str(small_disk)], check=True)
    assert err.count("faena:") == 1
    assert "No space left" in err
    logged = spool.values("a")
    before = [value for value in logged if value < 3000]
    assert before == list(range(len(before)))
    assert 1000 < len(before) < 3000
    assert logged[len(before) :] == list(range(3000, 3100))
    assert spool.ends[0]["dropped"] == 3000 - len(before)
