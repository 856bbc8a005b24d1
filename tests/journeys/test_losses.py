"""What is lost of a run's records is told on the run, with how much of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from faena import Workspace
from faena.client.runs.run import Run
from faena.testing.waiting import until
from tests.journeys.scripts import Project

FULL = """
    import os, resource, signal, sys
    from faena import Run
    run = Run.get_context()
    run.log("x", 0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    for i in range(1, 301):
        run.log("x", i)
"""
STEERED = """
    import os, time
    from faena import Run
    run = Run.get_context()
    for i in range(100):
        run.log("x", i)
    run.flush()
    open("logged", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
    for i in range(100, 110):
        run.log("x", i)
"""


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


def notes(run: Run) -> dict[str, str]:
    return {note.code: note.message for note in run.refresh().notes}


def logged(run: Run, name: str = "x") -> list[int]:
    found = run.get_metrics()[name]
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("end", ["", "    os.kill(os.getpid(), signal.SIGKILL)\n"])
def test_a_disk_that_is_full_as_the_script_ends(project: Project, end: str) -> None:
    run = project.run(FULL + end)
    dropped = 301 - len(logged(run))
    assert dropped > 200
    assert f"could not write {dropped} records" in notes(run)["RecordsDropped"]


def test_a_disk_that_is_full_as_a_child_ends(project: Project) -> None:
    run = project.run(
        """
        import resource
        from faena import Run
        child = Run.get_context().child_run("child")
        child.log("x", 0)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        for i in range(1, 301):
            child.log("x", i)
        child.complete()
        """
    )
    [child] = run.get_children()
    dropped = 301 - len(logged(child))
    assert f"could not write {dropped} records" in notes(child)["RecordsDropped"]


def test_a_disk_that_takes_nothing_at_all(project: Project) -> None:
    """Not even a name: the count goes over the runner's socket."""
    run = project.run(
        """
        import os
        from faena import Run
        run = Run.get_context()
        folder = os.environ["FAENA_SPOOL"]
        os.rename(folder, folder + "-away")
        for i in range(7):
            run.log("x", i)
        """
    )
    assert run.get_status() == "Completed"
    assert "could not write 7 records" in notes(run)["RecordsDropped"]


@pytest.mark.few(1)
@pytest.mark.parametrize("harm", ["emptied", "removed", "damaged"])
def test_somebody_harms_a_spool(project: Project, harm: str) -> None:
    run = project.submit(STEERED, experiment=harm)
    attempt = project.workspace.files.path / "attempts" / run.id / "1" / "0"
    until(lambda: (attempt / "code" / "logged").exists(), "the script has logged")
    [spool] = (attempt / "spool").glob("*.spool")
    size = spool.stat().st_size
    if harm == "emptied":
        spool.write_bytes(b"")
    elif harm == "removed":
        spool.unlink()
    else:
        with spool.open("ab") as file:
            file.write(b"\x07" * 45)
    (attempt / "code" / "go").touch()
    run.wait_for_completion(raise_on_error=False)
    assert run.get_status() == "Completed"
    assert logged(run) == list(range(100 if harm == "emptied" else 110))
    told = notes(run)
    if harm == "emptied":
        lost = int(re.findall(r"is lost, ([\d,]+) bytes", told["SpoolCut"])[0])
        assert f"was cut to 0 bytes after {size:,} bytes of it had been kept" in told["SpoolCut"]
        assert lost >= 400, "ten numbers, and the file's end"
    elif harm == "removed":
        assert told == {}, "its process still had it open, and brought it back"
    else:
        assert "logged 45 bytes that cannot be taken" in told["SpoolDamaged"]


def test_a_run_that_is_well_has_no_such_note(project: Project, tmp_path: Path) -> None:
    run = project.run("from faena import Run\nRun.get_context().log('x', 1)")
    assert notes(run) == {}


def test_a_record_of_no_known_form_costs_itself_alone_and_the_run_ends(project: Project) -> None:
    run = project.run("""
        import json, os, struct, zlib
        from faena import Run
        run = Run.get_context()
        run.log("x", 1)
        def frame(**record):
            payload = json.dumps(dict(record, t=1)).encode()
            head = struct.pack("<2sBBI", b"\\xfa\\xe1", 4, 0, len(payload))
            return head + struct.pack("<I", zlib.crc32(head + payload)) + payload
        with open(os.path.join(os.environ["FAENA_SPOOL"], "999-0a1b2c3d.spool"), "wb") as spool:
            spool.write(frame(op="tag", value="no key") + frame(op="note", code="no message"))
            spool.write(frame(op="tag", key="colour", value="red"))
        run.log("x", 2)
    """)
    assert run.get_status() == "Completed"
    assert logged(run) == [1, 2] and run.get_tags()["colour"] == "red"
    assert "Process 999-0a1b2c3d logged 108 bytes that cannot be taken" in notes(run)["SpoolDamaged"]
