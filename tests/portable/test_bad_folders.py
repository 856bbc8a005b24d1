"""A folder that is not what was exported is refused, names what is wrong, and changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from faena.kernel import digests
from faena.kernel.errors import UserErrorException
from faena.portable import model, places
from tests.portable.places import RUN, Place
from tests.tracking import frames

Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported run that nothing is wrong with."""
    folder = tmp_path_factory.mktemp("whole")
    here = Place(folder / "here")
    here.add_run()
    here.append("spool/a", frames.name(0, "loss") + frames.number(0.5, 0, time=7))
    here.append("log/logs/train.log", b"line\n")
    here.put_files({"outputs/model.bin": b"bytes"})
    here.export(folder / "run")
    here.database.close()
    return folder / "run"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A workspace that nothing may be left in."""
    made = Place(tmp_path_factory.mktemp("there") / "there")
    yield made
    made.database.close()


@pytest.fixture
def exported(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def _json(path: str, change: Callable[[Any], None], *, sign: bool = True) -> Change:
    """Change a JSON file, and the manifest with it, as somebody would who knows the format."""

    def apply(root: Path) -> None:
        value = json.loads((root / path).read_bytes())
        change(value)
        (root / path).write_text(json.dumps(value))
        if sign and path != model.MANIFEST:
            _sign(root, path)

    return apply


def _sign(root: Path, path: str, name: str | None = None) -> None:
    manifest = json.loads((root / model.MANIFEST).read_bytes())
    manifest["files"] = [entry for entry in manifest["files"] if entry["path"] != path]
    data = (root / path).read_bytes()
    entry = {"path": path if name is None else name, "size": len(data), "sha256": digests.of_bytes(data)}
    manifest["files"].append(entry)
    (root / model.MANIFEST).write_text(json.dumps(manifest))


def _manifest(change: Callable[[Any], None]) -> Change:
    return _json(model.MANIFEST, change)


def _record(change: Callable[[Any], None]) -> Change:
    return _json(model.RECORD, change)


def _set(**values: Any) -> Callable[[Any], None]:
    return lambda found: found.update(values)


def _link(root: Path) -> None:
    (root / "outputs/model.bin").rename(root.parent / "outside")
    (root / "outputs/model.bin").symlink_to(root.parent / "outside")


def _link_folder(root: Path) -> None:
    (root / "outputs").rename(root.parent / "elsewhere")
    (root / "outputs").symlink_to(root.parent / "elsewhere")


def _link_manifest(root: Path) -> None:
    (root / model.MANIFEST).rename(root.parent / "m")
    (root / model.MANIFEST).symlink_to(root.parent / "m")


def _spool(data: bytes) -> Change:
    def apply(root: Path) -> None:
        path = "metrics/attempt-1.script.spool"
        (root / path).write_bytes(data)
        _sign(root, path)

    return apply


def _name_of_file(name: str) -> Change:
    return _record(lambda record: record["files"][0].update(name=name))


def _text_of_record(root: Path, old: str, new: str) -> None:
    path = root / model.RECORD
    text = json.dumps(json.loads(path.read_bytes()))
    assert old in text
    path.write_text(text.replace(old, new, 1))
    _sign(root, model.RECORD)


BAD: dict[str, tuple[Change, str]] = {
    "no manifest": (lambda root: (root / model.MANIFEST).unlink(), r"no manifest\.json"),
    "no JSON": (lambda root: (root / model.MANIFEST).write_text("{"), r"manifest\.json cannot be read"),
    "not UTF-8": (lambda root: (root / model.MANIFEST).write_bytes(b"\xff"), "cannot be read"),
    "deep JSON": (lambda root: (root / model.MANIFEST).write_text("[" * 200_000), "cannot be read"),
    "a manifest that is a link": (_link_manifest, "is no regular file"),
    "another format": (_manifest(_set(format="mlflow")), "not the manifest of an exported run"),
    "a newer version": (
        _manifest(_set(version=9, faena="7.1", new=1)),
        r"version 9, written by faena 7\.1.*version 1",
    ),
    "a newer version with other fields": (
        lambda root: (root / model.MANIFEST).write_text(
            '{"format": "faena.run", "version": 2, "faena": "1.0"}'
        ),
        r"version 2, written by faena 1\.0; this Faena reads version 1",
    ),
    "other bytes": (
        lambda root: (root / "outputs/model.bin").write_bytes(b"bytez"),
        r"'outputs/model\.bin'.*SHA-256",
    ),
    "fewer bytes": (lambda root: (root / "code/train.py").write_bytes(b""), r"'code/train\.py'.*SHA-256"),
    "other record": (lambda root: (root / "run.json").write_bytes(b"{}"), r"'run\.json'.*SHA-256"),
    "a missing file": (lambda root: (root / "code/lib/empty").unlink(), "'code/lib/empty' is missing"),
    "a file too many": (
        lambda root: (root / "code/new.py").write_bytes(b""),
        r"'code/new\.py'.*not in its manifest",
    ),
    "a link": (_link, r"'outputs/model\.bin'.*is a link"),
    "a folder that is a link": (_link_folder, "'outputs'.*is a link"),
    "a pipe": (lambda root: os.mkfifo(root / "pipe"), "'pipe'.*no regular file"),
    "a stranger among the children": (
        lambda root: (root / "children/x").mkdir(parents=True),
        "'x'.*not in the",
    ),
    "a file twice": (_manifest(lambda m: m["files"].append(m["files"][0])), "twice"),
    "no record": (_manifest(lambda m: m.update(files=m["files"][:1])), r"names no run\.json"),
    "an unknown field": (_manifest(_set(more=1)), "unknown field"),
    "no digest": (_manifest(lambda m: m["files"][0].update(sha256="x")), "not a digest"),
    "a child that is missing": (
        _manifest(_set(children=[{"id": "exp_2", "manifest": "0" * 64}])),
        "children is missing",
    ),
    "a child out of the folder": (
        _manifest(_set(children=[{"id": "../x", "manifest": "0" * 64}])),
        "not a valid run id",
    ),
    "another run's record": (_record(_set(id="exp_9")), "it is exp_9, and the manifest is of"),
    "an id that is none": (_record(_set(id="../../x")), "not a valid run id"),
    "an experiment that is none": (_record(_set(experiment=" a\n")), "not a valid experiment"),
    "no node": (_record(_set(node_count=-1)), "its node_count is -1"),
    "no node asked for": (
        _record(lambda r: r["submission"].update(node_count=0)),
        r"its submission\.node_count is 0",
    ),
    "a grace without end": (
        _record(lambda r: r["submission"].update(grace_seconds=1e30)),
        "grace_seconds is 1e",
    ),
    "a limit without end": (
        _record(lambda r: r["submission"].update(max_run_duration_seconds=1e30)),
        "max_run_duration_seconds is 1e",
    ),
    "a snapshot that is a path": (
        _record(lambda r: r["submission"].update(snapshot="../../../etc/x")),
        r"its submission\.snapshot",
    ),
    "a cluster that gives orders": (
        _record(lambda r: r["submission"].update(cluster="\x1b[2Jx\x00")),
        r"its submission\.cluster",
    ),
    "a node that is a path": (
        _record(
            lambda r: r.update(
                attempts=[{"attempt": 1, "rank": 0, "node": "../../../etc/x", "outcome": None}]
            )
        ),
        r"its attempts\[0\]\.node",
    ),
    "a run that has not ended": (_record(_set(status="Running")), "has not ended"),
    "a state that is none": (_record(_set(status="Done")), "Done"),
    "a reason that does not fit": (_record(_set(reason="signal")), "Completed by signal"),
    "a snapshot of other code": (_record(_set(snapshot="0" * 64)), "not have the digest of its snapshot"),
    "code out of the folder": (_record(lambda r: r["code"][0].update(path="../x")), r"'\.\.' part"),
    "a file out of the folder": (
        _record(lambda r: r["files"][0].update(path="../x")),
        "not that of the manifest",
    ),
    "a file of another name": (_name_of_file("../../x"), "not a relative path"),
    "a file with a NUL": (_name_of_file("a\0b"), "control character"),
    "a log out of the folder": (
        _record(lambda r: r["logs"][0].update(path="/etc/passwd")),
        "not that of the manifest",
    ),
    "a log of another name": (
        _record(lambda r: r["logs"][0].update(name="/etc/passwd")),
        "not a relative path",
    ),
    "points out of the folder": (
        _record(lambda r: r["points"][0].update(path="../x")),
        "not in the manifest",
    ),
    "an attempt below zero": (_record(lambda r: r["points"][0].update(attempt=-1)), "attempt -1"),
    "a tag that is none": (_record(_set(tags={"": "x"})), "key of a tag"),
    "a note of no name": (_record(_set(notes=[{"code": "", "message": ""}])), "note '' is no name"),
    "a note twice": (_record(_set(notes=[{"code": "a", "message": ""}] * 2)), "has the note 'a' twice"),
    "a number beyond 64 bits": (
        _record(_set(exit_code=2**63)),
        "its exit_code is 9223372036854775808: use a whole",
    ),
    "a field of another type": (
        _record(_set(number="one")),
        r"run\.json, written by faena .*cannot be read.*number",
    ),
    "a time of no year": (
        _record(_set(created_at=-(10**18))),
        "its created_at is -1000000000000000000: use micro",
    ),
    "a time beyond all years": (
        _record(_set(ended_at=10**18)),
        "its ended_at is 1000000000000000000: use micro",
    ),
    "a time of a phase": (
        _record(_set(phases=[{"name": "x", "attempt": 1, "started_at": 10**30, "ended_at": None}])),
        r"phases(\[0\]\.started_at is 10{30}|.*started_at)",
    ),
    "a time of a file": (
        _record(lambda r: r["files"][0].update(created_at=-1)),
        r"its files\[0\]\.created_at is -1",
    ),
    "a number of 31 digits": (_record(_set(number=10**30)), "its number is 10{30}|number"),
    "a number deep in what was asked": (
        _record(lambda r: r["submission"].update(git={"a": [{"b": 10**30}]})),
        r"its submission\.git\.a\[0\]\.b is 10{30}|submission",
    ),
    "a size below zero": (_record(lambda r: r["files"][0].update(size=-5)), r"its files\[0\]\.size is -5"),
    "a truth for a number": (_record(_set(node_count=True)), "cannot be read.*node_count"),
    "no number": (
        lambda root: _json("run.json", _set(node_count=float("nan")))(root),
        "cannot be read",
    ),
    "an infinite time limit": (
        lambda root: _text_of_record(
            root, '"max_run_duration_seconds": null', '"max_run_duration_seconds": 1e999'
        ),
        "cannot be read|max_run_duration_seconds",
    ),
    "an outcome without end": (
        lambda root: _text_of_record(
            root,
            '"attempts": []',
            '"attempts": [{"attempt": 1, "rank": 0, "node": "n", "outcome": {"x": %s}}]' % ("[" * 100_000),
        ),
        "cannot be read.*(recursion|depth)",
    ),
    "a lock that is no digest": (_record(_set(lock_digest="../x")), "is not a digest"),
    "half a pair": (_record(_set(user="\ud800")), "cannot be read|not printable"),
    "points that are no frames": (_spool(b"\0" * 1000), "no frame of a spool"),
    "points cut short": (
        _spool(frames.name(0, "loss") + frames.number(0.5, 0, time=7)[:-1]),
        "no frame of a spool",
    ),
    "points of another run": (
        _spool(frames.name(0, "loss") + frames.number(0.5, 0, time=7) * 2),
        "points of the metric 'loss' are not those",
    ),
    "points of another metric": (
        _spool(frames.name(0, "x") + frames.number(0.5, 0, time=7)),
        "points of the metric",
    ),
}


@pytest.mark.few(12)
@pytest.mark.parametrize("what", BAD)
def test_it_is_refused(what: str, exported: Path, there: Place) -> None:
    change, message = BAD[what]
    change(exported)
    before = there.everything()
    with pytest.raises(UserErrorException, match=f"(?s){message}"):
        there.take(exported)
    assert there.everything() == before


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "/etc/passwd",
        "a/../../x",
        "a//b",
        "./a",
        "a\0b",
        "a\\b",
        "",
        ".",
        "children/x",
        "manifest.json",
    ],
)
def test_a_manifest_that_names_what_is_outside(path: str, exported: Path, there: Place) -> None:
    _sign(exported, "outputs/model.bin", path)
    with pytest.raises(UserErrorException, match="manifest"):
        there.take(exported)


@pytest.mark.long
def test_a_million_entries(exported: Path, there: Place) -> None:
    entry = json.dumps({"path": "x", "size": 0, "sha256": "0" * 64})
    head = f'{{"format": "faena.run", "version": 1, "faena": "0.1.0", "run": "{RUN}", "files": ['
    (exported / model.MANIFEST).write_text(head + ",".join([entry] * 1_000_000) + "]}")
    began = time.process_time()
    with pytest.raises(UserErrorException, match=r"1,000,000 files|bytes"):
        there.take(exported)
    assert time.process_time() - began < 10


@pytest.mark.parametrize("given", ["relative", "/a\0b", "/proc/none", "/" + "x" * 5000, "/" + "x" * 300, ""])
def test_what_is_no_folder(given: str, there: Place) -> None:
    with pytest.raises(UserErrorException):
        places.of_import(given)
    with pytest.raises(UserErrorException), places.for_export(given, there.folder):
        pass
    inside = str(there.folder / "x")
    with pytest.raises(UserErrorException, match="keeps its files"), places.for_export(inside, there.folder):
        pass


def test_a_whole_one_is_imported(exported: Path, tmp_path: Path) -> None:
    """Each of the above is refused for what is wrong with it alone."""
    there = Place(tmp_path / "there")
    assert there.take(exported).run == RUN
    there.database.close()
