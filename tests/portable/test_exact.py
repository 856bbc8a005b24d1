"""What comes out of an exported run is what went into it, point by point."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import struct
from pathlib import Path
from typing import Any

import pytest

from faena.environments import store as locks
from faena.environments.model import Interpreter, Lock
from faena.kernel.discovery import try_lock
from faena.kernel.errors import Conflict, ServiceException, StorageFull, UserErrorException
from faena.portable import folder as folders
from faena.runs import record_store, store
from faena.tracking import export as tracked
from faena.tracking import query
from faena.tracking.points import JSON
from tests.examples import long_form
from tests.portable.places import CODE, RUN, Place
from tests.tracking import frames

NAN = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_1234))[0]
EXTREMES = [0.0, -0.0, math.inf, -math.inf, NAN, 5e-324, 1.7976931348623157e308, 2**63 - 1, -(2**63), 0]


def _logged() -> bytes:
    """All kinds of values at one time, so that only the order of arrival tells them apart."""
    data = [frames.hello(), frames.name(0, "z/loss"), frames.name(1, "a"), frames.name(2, '=odd, "name"\n')]
    data += [frames.number(value, 0, time=7, step=step) for step, value in enumerate(EXTREMES)]
    data += [frames.number(1.5, 1, time=7, step=2**63 - 1), frames.number(2.5, 1, time=7, step=-5)]
    data += [frames.number(3, 2, time=7)]
    for place in range(3):
        data.append(frames.event("scalar", name="mixed", value=f"=text {place} é", time=7))
        data.append(frames.name(3, "mixed") if place == 0 else b"")
        data.append(frames.number(0.5, 3, time=7))
    data += [
        frames.event("list", name="list", values=[1, 2.5, None], time=6),
        frames.event("row", name="row", columns={"x": 1, "y": "b"}, time=8),
        frames.event("table", name="table", columns={"x": [1, 2], "y": [3]}, time=8),
        frames.event("scalar", name="huge", value=2**70, time=9),
    ]
    data += [frames.number(step * 0.1, 1, time=step, step=step) for step in range(20_000, 0, -1)]
    return b"".join(data)


def _points(place: Place) -> dict[tuple[int, str, str], Any]:
    """Every bit of every point; of JSON its text, instead of its place among the others."""
    found: dict[tuple[int, str, str], Any] = {}
    for series in place.read(lambda read: tracked.every_series(read, RUN)):
        key = (series.attempt, series.row.source, series.row.name)
        found[key] = [repr(series.row.summary)]
        for _, part in tracked.points(place.database, place.objects, [series]):
            columns = (part.time.tolist(), part.step.tolist(), part.kind.tolist(), part.bits.tolist())
            for at, step, kind, bits in zip(*columns, strict=True):
                found[key].append((at, step, kind, part.payloads[bits] if kind == JSON else bits))
    return found


def _fill(place: Place) -> None:
    place.add_run()
    place.append("spool/a", _logged())
    place.append("spool/b", frames.name(0, "a") + frames.number(9.0, 0, time=7))
    place.append("spool/system", frames.name(0, "cpu") + frames.number(50.0, 0, time=7))
    place.append(
        "spool/c", frames.hello() + frames.name(0, "late") + frames.number(1.0, 0, time=1), attempt=2
    )
    text = "".join(f"line {number}\n" for number in range(50_000)).encode()
    place.append("log/azureml-logs/70_driver_log.txt", text)
    place.append("log/azureml-logs/70_driver_log.txt", b"rank 1\n", rank=1)
    place.append("log/azureml-logs/70_driver_log.txt", b"\xff\0second attempt", attempt=2)
    place.append("log/logs/empty.txt", b"")
    place.append("log/azureml-logs/20_image_build_log.txt", b"built\n", attempt=0)
    place.put_files(
        {"outputs/model.bin": bytes(range(256)) * 100, "outputs/deep/é.txt": b"", "run.json": b"mine"}
    )
    place.put_files(
        {"metrics/attempt-1.script.spool": b"x", "n" * 300: b"long", "outputs/" + "m" * 300: b"l"}
    )
    place.seal()


@pytest.mark.long
@pytest.mark.parametrize("sealed", [True, long_form(False)])
def test_every_point_log_and_file_is_the_same(
    here: Place, there: Place, tmp_path: Path, sealed: bool
) -> None:
    _fill(here)
    if sealed:
        here.seal(2)
    view = here.export(tmp_path / "run")
    assert view.left_out == 0 and view.children == []
    assert there.take(tmp_path / "run").imported == [RUN]
    assert _points(there) == _points(here)
    for attempt in (None, 1, 2, 3):
        for source in ("script", "system"):
            asked = {"attempt": attempt, "source": source}
            assert json.dumps(there.metrics(**asked)) == json.dumps(here.metrics(**asked)), (
                "in the same order"
            )
    assert there.metrics() == {"late": 1.0}, "of the latest attempt"

    tables = (
        "run_files",
        "run_parameters",
        "run_phases",
        "run_tags",
        "run_notes",
        "attempts",
        "snapshots",
        "runs",
    )
    before, after = here.everything(), there.everything()
    assert {name: after[name] for name in tables[:-2]} == {name: before[name] for name in tables[:-2]}
    for name, attempt, rank in (
        ("azureml-logs/70_driver_log.txt", 1, 0),
        ("azureml-logs/70_driver_log.txt", 1, 1),
        ("azureml-logs/70_driver_log.txt", 2, 0),
        ("azureml-logs/20_image_build_log.txt", 0, 0),
        ("logs/empty.txt", 1, 0),
    ):
        one, two = (
            place.read(
                lambda read, place=place, name=name, attempt=attempt, rank=rank: (
                    query.log_text(
                        read, place.objects, RUN, name, limit=1 << 30, attempt=attempt, rank=rank
                    ).data
                )
            )
            for place in (here, there)
        )
        assert one == two

    there.export(tmp_path / "again")
    for path in (tmp_path / "run").rglob("*"):
        if path.is_file() and path.name not in ("run.json", "manifest.json"):
            assert (tmp_path / "again" / path.relative_to(tmp_path / "run")).read_bytes() == path.read_bytes()


def test_the_files_are_for_people_too(here: Place, tmp_path: Path) -> None:
    _fill(here)
    here.export(tmp_path / "run")
    root = tmp_path / "run"
    assert root.stat().st_mode & 0o777 == 0o700
    assert {path: (root / "code" / path).read_bytes() for path in CODE} == CODE
    assert (root / "outputs/deep/é.txt").read_bytes() == b"" and (
        root / "files/run.json"
    ).read_bytes() == b"mine"
    assert (root / "logs/attempt-1/rank-1/azureml-logs/70_driver_log.txt").read_bytes() == b"rank 1\n"
    with (root / "metrics/attempt-1.script.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    loss = [row for row in rows if row["name"] == "z/loss"]
    assert loss[0] == {"name": "z/loss", "time": "1970-01-01T00:00:00.000007Z", "step": "0", "value": "0.0"}
    assert [row["value"] for row in loss][2:5] == ["inf", "-inf", "nan"]
    assert not any(row["name"].startswith(("=", "+", "@")) or row["value"].startswith("=") for row in rows)
    assert {row["value"] for row in rows if row["name"] == "row"} == {'{"x": 1, "y": "b"}'}


def test_docs_tell_how_to_read_the_points(here: Place, tmp_path: Path) -> None:
    """The reader in docs/exported-runs.md finds every number that was logged."""
    _fill(here)
    here.export(tmp_path / "run")
    text = (Path(__file__).parents[2] / "docs" / "exported-runs.md").read_text()
    code = text.split("```python\n")[-1].split("```")[0]
    names: dict[str, Any] = {}
    exec(compile(code, "docs/exported-runs.md", "exec"), names)
    found = list(names["points"](tmp_path / "run" / "metrics" / "attempt-1.script.spool"))
    table = (tmp_path / "run" / "metrics" / "attempt-1.script.csv").read_text()
    assert len(found) == sum(1 for _ in csv.DictReader(io.StringIO(table)))
    assert [value for name, time, step, value in found if name == "z/loss"][-2:] == [-(2**63), 0]
    assert ("a", 7, 2**63 - 1, 1.5) in found and ("a", 7, -5, 2.5) in found
    assert next(value for name, time, step, value in found if name == "mixed")["value"] == "=text 0 é"


@pytest.mark.long
def test_the_same_again_changes_nothing_and_another_is_refused(
    here: Place, there: Place, tmp_path: Path
) -> None:
    _fill(here)
    here.export(tmp_path / "run")
    there.add_run("exp_other", number=1)
    assert there.take(tmp_path / "run").number == 2
    before = there.everything()
    assert there.take(tmp_path / "run").imported == []
    assert there.everything() == before
    assert here.take(tmp_path / "run").imported == [], "where it comes from it is the same run"
    there.write(lambda write: store.update(write, RUN, {"deletion": 1}))
    with pytest.raises(Conflict, match="was deleted in this workspace"):
        there.take(tmp_path / "run")

    def named(label: str) -> Place:
        return Place(tmp_path / label, there.open_database)

    changes: list[dict[str, Any]] = [{"user": "bob"}, {"ended_at": 2_000_001}, {"exit_code": 3}]
    for change in changes:
        (what,) = change
        other = named(what)
        other.add_run(**change)
        with pytest.raises(Conflict, match=f"another one: it differs in {what}"):
            other.take(tmp_path / "run")
        other.database.close()
    other = named("file")
    other.add_run()
    other.put_files({"outputs/model.bin": b"other"})
    other.append("spool/a", frames.name(0, "a") + frames.number(1.0, 0, time=7))
    with pytest.raises(Conflict, match=r"outputs/model\.bin, metric a"):
        other.take(tmp_path / "run")
    other.database.close()


def test_a_run_keeps_its_number_where_that_is_free(here: Place, there: Place, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        here.add_run(f"exp_{number}", number=number)
        here.export(tmp_path / str(number), f"exp_{number}")
    assert [there.take(tmp_path / str(number)).number for number in (3, 1)] == [3, 1]
    there.add_run("exp_new", number=4)
    assert there.take(tmp_path / "2").number == 2


def test_lock_notes_tags_and_times_are_kept(here: Place, there: Place, tmp_path: Path) -> None:
    lock = Lock(Interpreter("/usr/bin/python3", "3.8.1", "CPython"), "plan9", "", (), "0" * 64)
    here.write(lambda write: locks.put(write, lock, 1))
    here.add_run(lock=lock.digest, description="why", archived_at=9, message="said", last_lines=b"[]")

    def mark(write: Any) -> None:
        record_store.set_tags(write, RUN, {"team": "a"})
        record_store.add_properties(write, RUN, {"p": "1"})
        record_store.add_note(write, RUN, "no_gpu", "none")

    here.write(mark)
    here.export(tmp_path / "run")
    there.take(tmp_path / "run")
    one, two = (place.read(lambda read: store.get(read, RUN)) for place in (here, there))
    assert {name for name in one.__slots__ if getattr(one, name) != getattr(two, name)} <= {"version"}
    assert there.read(lambda read: locks.get(read, lock.digest)) == lock
    for table in ("run_tags", "run_properties", "run_notes", "run_parameters"):
        assert there.everything()[table] == here.everything()[table]


def test_an_export_that_fails_leaves_nothing(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(here)
    here.add_run("exp_open", ended=False)
    with pytest.raises(Conflict, match="exp_open has not ended: it is Running"):
        here.export(tmp_path / "open", "exp_open")
    digest = here.objects.put([b"print(1)\n"])[0]
    place = here.objects.path(digest)
    place.chmod(0o644)
    place.write_bytes(b"print(2)\n")
    with pytest.raises(ServiceException, match="is damaged"):
        here.export(tmp_path / "run")
    place.unlink()
    with pytest.raises(ServiceException, match=r"'code/train\.py' are gone"):
        here.export(tmp_path / "run")
    here.objects.put([b"print(1)\n"])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders, "copy", full)
    with pytest.raises(StorageFull, match="is full"):
        here.export(tmp_path / "run")
    monkeypatch.undo()
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine").write_text("x")
    with pytest.raises(UserErrorException, match="is there already"):
        here.export(tmp_path / "run")
    assert (tmp_path / "run" / "mine").read_text() == "x"


@pytest.mark.long
def test_what_an_import_that_was_cut_short_left_is_no_hindrance(
    here: Place, there: Place, tmp_path: Path
) -> None:
    _fill(here)
    here.export(tmp_path / "run")
    there.append("spool/import", frames.name(0, "a") + frames.number(1.0, 0, time=7))
    there.append("log/azureml-logs/70_driver_log.txt", b"half")
    there.put_files({"outputs/stale": b"x"})
    assert there.take(tmp_path / "run").imported == [RUN]
    assert _points(there) == _points(here)
    assert there.everything()["run_files"] == here.everything()["run_files"]


def test_what_a_killed_export_left_is_written_anew(here: Place, there: Place, tmp_path: Path) -> None:
    _fill(here)
    (tmp_path / "run" / "code").mkdir(parents=True)
    (tmp_path / "run" / "code" / "train.py").write_text("half")
    with pytest.raises(UserErrorException, match="is there already"):
        here.export(tmp_path / "run")
    (tmp_path / "run" / ".unfinished").touch()
    with pytest.raises(UserErrorException, match=r"no manifest\.json"):
        there.take(tmp_path / "run")
    held = try_lock(tmp_path / "run" / ".unfinished")
    assert held is not None
    with pytest.raises(UserErrorException, match="Another export"):
        here.export(tmp_path / "run")
    os.close(held)
    here.export(tmp_path / "run")
    assert not (tmp_path / "run" / ".unfinished").exists()
    assert there.take(tmp_path / "run").imported == [RUN]
