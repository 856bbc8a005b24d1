"""Each kind of bad day is named by the check that it concerns, and by what to do."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from faena.environments import interpreters
from faena.environments.probe import Answer
from faena.health import attempts, packages, versions
from faena.health.finding import State
from faena.health.subject import Subject
from faena.kernel import verified_times
from faena.kernel.discovery import try_lock
from faena.kernel.process_identity import Living
from faena.kernel.settings import SCHEMA_VERSION
from tests.faults.full_disk import Ballast, CannotMount, mounted
from tests.health.ground import findings, unwell

_RUN = """INSERT INTO runs
    (id, experiment, number, status, version, user, cluster, node_count, snapshot, submission, attempt, created_at,
    reserved, type)
    VALUES ('r1', 'e', 1, 'Running', 1, 'ann', 'c', 1, '', '', 1, ?, 0, 'script')"""
_ATTEMPT = "INSERT INTO attempts (run_id, attempt, rank, node, state) VALUES ('r1', 1, 0, ?, 'started')"
_LOOK = """
import os, sys
from pathlib import Path
from faena.health.examination import examine
from faena.health.subject import Subject
if os.getuid() == 0:
    os.setuid(65534)
for group, finding in examine(Subject(Path(sys.argv[1]))):
    if finding.state == "problem" and group not in ("Environments", "Machine"):  # Python may be root's
        print(finding.name, finding.found)
"""
_HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("PRAGMA locking_mode=EXCLUSIVE")
held.execute("BEGIN EXCLUSIVE")
held.execute("UPDATE schema_version SET version = version")
print("held", flush=True)
sys.stdin.read()
"""


def _write(subject: Subject, statement: str, *values: object) -> None:
    assert subject.database is not None
    with closing(sqlite3.connect(subject.database)) as connection, connection:
        connection.execute(statement, values)


def test_a_full_and_a_read_only_disk(tmp_path: Path) -> None:
    try:
        with mounted(tmp_path / "small") as disk:
            there = Subject(None, home=disk, runtime=disk)
            ballast = Ballast(disk / "ballast")
            ballast.grow()
            assert unwell(there, "Disks") == {"state, runtime": State.PROBLEM}
            found = findings(there, "Folders")["state folder"]
            assert (found.state, "full disk" in found.found) == (State.PROBLEM, True)
            ballast.drop()
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
            found = findings(there, "Folders")["state folder"]
            assert "read-only" in found.found
            assert "FAENA_HOME" in found.remedy
            assert "remount,rw" in findings(there, "Disks")["state, runtime"].remedy
    except CannotMount as error:
        pytest.skip(f"no small file system could be mounted: {error}")


def test_folders_and_files_that_are_open_to_others(tmp_path: Path) -> None:
    runtime = tmp_path / "rt"
    runtime.mkdir(mode=0o755)
    (runtime / "web.token").touch(0o644)
    there = Subject(None, home=tmp_path / "nowhere", runtime=runtime)
    assert unwell(there, "Folders") == {"runtime folder": State.PROBLEM, "private files": State.PROBLEM}
    found = findings(there, "Folders")
    assert found["runtime folder"].remedy == f"chmod 700 {runtime}"
    assert found["private files"].remedy == f"chmod 600 {runtime / 'web.token'}"
    long = replace(there, runtime=tmp_path / ("x" * 90))
    long.runtime.mkdir(mode=0o700)
    assert "FAENA_RUNTIME" in findings(long, "Folders")["runtime folder"].remedy


@pytest.mark.long
def test_a_workspace_that_this_user_may_not_look_into(subject: Subject) -> None:
    assert subject.folder is not None
    subject.folder.chmod(0)
    try:
        done = subprocess.run(
            [sys.executable, "-c", _LOOK, str(subject.folder)],
            env={**os.environ, "UV_OFFLINE": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        subject.folder.chmod(0o700)
    assert "workspace.json cannot be read by this user" in done.stdout
    assert "could not be looked at" not in done.stdout, done.stdout


def test_a_database_that_is_locked_or_newer_or_damaged(subject: Subject) -> None:
    assert subject.database is not None
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(subject.database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        found = findings(subject, "Database")["database"]
        assert (found.state, f"process {holder.pid} " in found.found) == (State.PROBLEM, True), found
    finally:
        holder.communicate()
    assert unwell(subject, "Database") == {}
    _write(subject, "UPDATE schema_version SET version = ?", SCHEMA_VERSION + 1)
    assert unwell(subject, "Database") == {"schema": State.PROBLEM}
    data = bytearray(subject.database.read_bytes())
    data[4096:-4096] = b"\xff" * (len(data) - 8192)
    subject.database.write_bytes(data)
    assert unwell(subject, "Database") == {"database": State.PROBLEM}
    assert "damaged" in findings(subject, "Database")["database"].found
    findings(subject, "Objects", "Left behind", "Clocks")  # none of them breaks down over it


def test_a_clock_set_back_and_a_process_id_used_again(subject: Subject) -> None:
    _write(subject, _RUN, subject.now + 3 * 3600 * 1_000_000)
    me = Living.of(os.getpid())
    assert me is not None
    _write(subject, _ATTEMPT, replace(me, started=me.started - 1).name)
    clock = findings(subject, "Clocks")["clock"]
    assert (clock.state, "3 hours" in clock.found) == (State.WARNING, True)
    found = findings(subject, "Left behind")["open attempts"]
    assert f"process id {me.pid} is another program's now" in found.found
    assert (found.state, found.remedy.startswith("faena runs")) == (State.WARNING, True)
    _write(subject, "UPDATE attempts SET node = ?", me.name)
    assert subject.folder is not None
    attempt = subject.folder / "attempts" / "r1" / "1" / "0"
    assert (
        f"{attempt} of an open attempt is gone" in findings(subject, "Left behind")["attempt records"].found
    )
    attempt.mkdir(parents=True)
    order = {"run_id": "r1", "attempt": 1, "rank": 0, "node_count": 1, "outputs": ""}
    (attempt / "order.json").write_text(json.dumps(order))
    assert unwell(subject, "Left behind") == {}, "the process itself is no stranger"
    (attempt / "order.json").write_bytes(b"")
    found = findings(subject, "Left behind")["attempt records"]
    assert f"{attempt / 'order.json'} cannot be read: it is empty" in found.found


def test_an_attempt_that_the_server_does_not_end(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_PATIENCE", 0.2)
    me = Living.of(os.getpid())
    assert me is not None
    _write(subject, _RUN, subject.now)
    _write(subject, _ATTEMPT, replace(me, started=me.started - 1).name)
    assert subject.election is not None
    subject.election.parent.mkdir(exist_ok=True)
    server = try_lock(subject.election)
    assert server is not None
    try:
        found = findings(subject, "Left behind")["open attempts"]
        assert found.state is State.PROBLEM
        assert "r1, which the server does not bring to an end" in found.found
        _write(subject, "UPDATE attempts SET state = ?", "closed")
        assert findings(subject, "Left behind")["open attempts"].state is State.OK
    finally:
        os.close(server)


def test_objects_that_are_missing_or_damaged(subject: Subject) -> None:
    assert subject.folder is not None
    digests = [hashlib.sha256(data).hexdigest() for data in (b"one", b"two")]
    for digest in digests:
        _write(subject, "INSERT INTO objects (digest, size, touched_at) VALUES (?, 3, 0)", digest)
    damaged = subject.folder / "objects" / digests[0][:2] / digests[0]
    damaged.parent.mkdir()
    damaged.write_bytes(b"oNe")
    found = findings(subject, "Objects")
    assert {name: each.state for name, each in found.items()} == {
        "missing objects": State.PROBLEM,
        "object contents": State.PROBLEM,
    }
    assert digests[1][:12] in found["missing objects"].found
    assert digests[0][:12] in found["object contents"].found
    assert "object contents" in unwell(replace(subject, sample=0), "Objects"), "somebody has written it"
    os.utime(damaged, ns=(verified_times.time_of(digests[0]),) * 2)  # as where a disk loses bits
    assert unwell(replace(subject, sample=0), "Objects") == {"missing objects": State.PROBLEM}


@pytest.mark.parametrize("replace_by", [os.mkfifo, os.mkdir])
def test_an_object_in_whose_place_is_no_file(subject: Subject, replace_by: Callable[[Path], None]) -> None:
    assert subject.folder is not None
    digest = hashlib.sha256(b"one").hexdigest()
    _write(subject, "INSERT INTO objects (digest, size, touched_at) VALUES (?, 3, 0)", digest)
    place = subject.folder / "objects" / digest[:2] / digest
    place.parent.mkdir()
    replace_by(place)
    assert unwell(replace(subject, deep=True), "Objects") == {"object contents": State.PROBLEM}


def test_an_index_that_does_not_answer_and_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "PATIENCE", 60.0)  # uv says why, however busy this machine is
    with socket.socket() as nobody:  # a port that is taken, and at which nobody listens
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://ann:secret@127.0.0.1:{port}/simple?key=hidden")
        monkeypatch.delenv("UV_OFFLINE", raising=False)
        (found,) = packages.check_index(Subject(None))
    assert (found.state, "offline" in found.found) == (State.WARNING, True)
    assert f"127.0.0.1:{port}" in found.found
    assert "secret" not in str(found)
    assert "hidden" not in str(found)
    monkeypatch.setenv("UV_OFFLINE", "1")
    (found,) = packages.check_index(Subject(None))
    assert (found.state, found.remedy) == (State.WARNING, "unset UV_OFFLINE")


def test_an_environment_half_made(home: Path) -> None:
    half = home / "envs" / ("a" * 64)
    half.mkdir(parents=True)
    (found,) = packages.check_environments(Subject(None))
    assert (found.state, found.remedy.split(";")[0]) == (State.WARNING, "faena env prune")
    lock = try_lock(half.with_name(f"{half.name}.lock"))
    assert lock is not None
    (found,) = packages.check_environments(Subject(None))
    os.close(lock)
    assert found.state is State.OK, "somebody is building it"


def test_a_server_that_holds_its_lock_and_is_silent(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "PATIENCE", 0.2)
    assert subject.election is not None
    lock = try_lock(subject.election)
    assert lock is not None
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(subject.election.with_suffix(".sock")))
        silent.listen()
        found = findings(subject, "Versions")["server"]
    os.close(lock)
    assert (found.state, "does not answer" in found.found) == (State.PROBLEM, True)
    assert "server.log" in found.remedy


def test_entries_of_faena_pythons_that_bring_no_python(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAENA_PYTHONS", f"{sys.executable}:junk:/nonexistent")
    (found,) = packages.check_named_pythons(subject)
    assert found.state is State.WARNING
    assert found.found == "no Python in 'junk' (no absolute path), '/nonexistent' (not there)"


def test_old_pythons_are_named_though_nobody_needs_them(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [
        Answer(f"/p/{version}", version, "CPython", final=True, gil=True, missing=missing, headers=True)
        for version, missing in [("3.5.9", []), ("3.6.15", ["hashlib"]), ("3.7.17", []), ("3.8.20", [])]
    ]
    monkeypatch.setattr(interpreters, "seen", lambda: there)
    (found,) = packages.check_interpreters(subject)
    assert found.state is State.OK
    assert found.found.startswith("3.6 (without hashlib), 3.7, 3.8; uv fetches 3.9")
