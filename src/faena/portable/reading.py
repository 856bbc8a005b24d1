"""Reads an exported run and sees that it can be one, before anything of it is kept."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from faena.data.schemas import manifest_digest
from faena.data.staging import check_path
from faena.kernel import digests, ids
from faena.kernel.errors import FaenaError, UserErrorException
from faena.kernel.tag_rules import check_marks
from faena.portable import folder, model
from faena.portable.bounds import check_bounds
from faena.portable.model import CHILDREN, CODE, DIFF, MANIFEST, RECORD, Manifest, RunRecord
from faena.runs.comments.service import check as check_comments
from faena.runs.model import EndReason, Outcome, RunStatus
from faena.runs.service import check_times
from faena.sweeps.checks import MOST_TRIALS
from faena.sweeps.checks import check as check_sweep
from faena.sweeps.records import SweepRecord
from faena.tracking.model import SCRIPT, SYSTEM, check_name

_MOST_ATTEMPTS = 1_000_000
_LONGEST_NAME = 255
_LONGEST = {"type": 32, "name": 255, "user": 255, "cluster": 64, "threads": 80}


class Exported(Struct, frozen=True):
    """A run in a folder whose every byte is what its manifest says."""

    root: Path
    manifest: Manifest
    record: RunRecord


def read(root: Path) -> list[Exported]:
    """The run and those below it that were exported with it, oldest first. Blocks.

    Raises UserErrorException naming the file, and what is wrong with it.
    """
    try:
        run = _read(root)
        below = [_read_child(root, entry) for entry in run.manifest.children]
        _refuse_strangers(root, run.manifest)
    except OSError as error:
        raise folder.translated(error, root) from error
    return [run, *below]


def _read_child(root: Path, entry: model.ChildEntry) -> Exported:
    place = root / CHILDREN / ids.check_run_id(entry.id)
    for path in (root / CHILDREN, place):
        if path.is_symlink() or not path.is_dir():
            raise UserErrorException(
                f"{path} is missing, or is a link: {root} is not whole. Export the run anew."
            )
    if digests.of_bytes(folder.read_json(place, MANIFEST)) != entry.manifest:
        raise UserErrorException(
            f"{place / MANIFEST} is not what it was when the run was exported. Copy it anew."
        )
    child = _read(place)
    if child.manifest.run != entry.id or child.manifest.children:
        raise UserErrorException(f"{place} does not hold the run {entry.id}. Export the run anew.")
    return child


def _refuse_strangers(root: Path, manifest: Manifest) -> None:
    known = {entry.id for entry in manifest.children}
    below = root / CHILDREN
    if below.is_symlink() or (below.exists() and not below.is_dir()):
        raise UserErrorException(f"{below} is a link or no folder. Export the run anew.")
    there = {path.name for path in below.iterdir()} if below.is_dir() else set()
    if strange := sorted(there - known):
        raise UserErrorException(
            f"{strange[0][:300]!a} in {below} is not in the {MANIFEST} of the run. Remove it, or export the run anew."
        )


def _read(root: Path) -> Exported:
    where = str(root / MANIFEST)
    manifest = model.read_manifest(folder.read_json(root, MANIFEST), where)
    folder.verify(root, manifest)
    written_by = f"{root / RECORD}, written by faena {manifest.faena[:40]} (this is {model.THIS_FAENA}),"
    record = model.decode(folder.read_json(root, RECORD), RunRecord, written_by)
    try:
        _check(record, manifest)
    except (FaenaError, ValueError, msgspec.ValidationError) as error:
        said = error.message if isinstance(error, FaenaError) else str(error)
        raise UserErrorException(f"{root / RECORD} does not describe a run: {said}") from error
    return Exported(root, manifest, record)


def _check(record: RunRecord, manifest: Manifest) -> None:
    """What would harm a workspace, or could not be found again. Raises UserErrorException or ValueError."""
    check_bounds(record)
    if ids.check_run_id(record.id) != manifest.run:
        raise UserErrorException(f"it is {record.id}, and the manifest is of {manifest.run[:300]}.")
    if ids.check_experiment_name(record.experiment) != record.experiment:
        raise UserErrorException(f"its experiment {record.experiment[:80]!r} is not spelled in NFC.")
    if not RunStatus(record.status).is_terminal():
        raise UserErrorException(f"it is {record.status}, and has not ended.")
    if record.reason is not None and EndReason(record.reason).status.value != record.status:
        raise UserErrorException(f"it is {record.status} by {record.reason}.")
    for field, longest in _LONGEST.items():
        value = getattr(record, field) or ""
        if len(value) > longest or not value.isprintable():
            raise UserErrorException(f"its {field} {value[:80]!a} is too long, or not printable.")
    if record.parent is not None:
        ids.check_run_id(record.parent)
    _check_submission(record)
    if record.submission.experiment != record.experiment:
        raise UserErrorException("it was submitted to another experiment.")
    for what, marks in (("tag", record.tags), ("property", record.properties)):
        check_marks(what, marks)
    names = [("parameter", name, 255) for name in record.parameters]
    names += [("phase", phase.name, 16) for phase in record.phases]
    names += [("note", note.code, 64) for note in record.notes]
    for what, name, longest in names:
        if not 1 <= len(name) <= longest:
            raise UserErrorException(f"its {what} {name[:80]!a} is no name of 1 to {longest} characters.")
    for attempt in record.attempts:
        _check_attempt(attempt.attempt, attempt.rank)
        if attempt.outcome is not None:
            msgspec.convert(attempt.outcome, Outcome)
    _check_once("attempt", [f"{each.attempt}.{each.rank}" for each in record.attempts])
    _check_once("note", [note.code for note in record.notes])
    check_comments(record.comments)
    if record.sweep is not None:
        _check_sweep(record.sweep)
    _check_digests(record)
    _check_places(record, manifest)


def _check_sweep(sweep: SweepRecord) -> None:
    check_sweep(sweep.spec)
    _check_once("trial", [str(trial.number) for trial in sweep.trials])
    for trial in sweep.trials:
        if trial.run_id is not None:
            ids.check_run_id(trial.run_id)
        if not abs(trial.number) <= MOST_TRIALS or not RunStatus(trial.status).is_terminal():
            raise UserErrorException(
                f"its trial {trial.number} is {trial.status}, which no trial that ended is."
            )


def _check_digests(record: RunRecord) -> None:
    for digest in (record.lock_digest, record.snapshot or None):
        if digest is not None:
            digests.check(digest)
    if (record.lock.digest if record.lock else None) != record.lock_digest and record.lock is not None:
        raise UserErrorException("its lock does not have the digest that it gives.")
    for file in record.code:
        check_path(file.path)
    if record.snapshot and manifest_digest(record.code) != record.snapshot:
        raise UserErrorException("its code does not have the digest of its snapshot.")
    if record.code and not record.snapshot:
        raise UserErrorException("it has code, and no snapshot.")


def _check_places(record: RunRecord, manifest: Manifest) -> None:
    """Each file that the record speaks of is in the manifest, with the same bytes."""
    there = {entry.path: entry for entry in manifest.files}
    wanted = [(f"{CODE}/{file.path}", file.digest) for file in record.code]
    wanted += [(file.path, file.sha256) for file in record.files]
    if record.git is not None and record.git.diff_digest:
        wanted.append((DIFF, record.git.diff_digest))
    for path, digest in wanted:
        if path not in there or there[path].sha256 != digest:
            raise UserErrorException(f"its file {path[:300]!r} is not that of the manifest.")
    for file in record.files:
        check_name(file.name)
    for log in record.logs:
        check_name(log.name)
        _check_attempt(log.attempt, log.rank)
        if log.path not in there or there[log.path].size != log.size:
            raise UserErrorException(f"its log {log.path[:300]!r} is not that of the manifest.")
    for points in record.points:
        _check_attempt(points.attempt, 0)
        if points.source not in (SCRIPT, SYSTEM) or points.path not in there:
            raise UserErrorException(f"its points {points.path[:300]!r} are not in the manifest.")
    _check_once("file", [file.name for file in record.files])
    _check_once("log", [f"{log.attempt}.{log.rank} {log.name}" for log in record.logs])
    _check_once("file of points", [f"{points.attempt} {points.source}" for points in record.points])


def _check_attempt(attempt: int, rank: int) -> None:
    if not (0 <= attempt <= _MOST_ATTEMPTS and 0 <= rank <= _MOST_ATTEMPTS):
        raise UserErrorException(f"it has an attempt {attempt} of rank {rank}.")


def _check_once(what: str, names: list[str]) -> None:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserErrorException(f"it has the {what} {twice[:200]!r} twice.")


def _check_submission(record: RunRecord) -> None:
    """What a run again, or a page, would take for a place or a number that can be."""
    submission = record.submission
    check_times(submission)
    for field, count in (("node_count", record.node_count), ("submission.node_count", submission.node_count)):
        if count < 1:
            raise UserErrorException(f"its {field} is {count}: use a whole number from 1 up.")
    for field, digest in (("submission.snapshot", submission.snapshot), ("snapshot", record.snapshot)):
        if digest:
            try:
                digests.check(digest)
            except UserErrorException as error:
                raise UserErrorException(f"its {field} cannot be one: {error.message}") from error
    texts = {"submission.cluster": submission.cluster, "submission.lock": submission.lock}
    texts |= {f"attempts[{place}].node": each.node for place, each in enumerate(record.attempts)}
    for field, value in texts.items():
        if len(value) > _LONGEST_NAME or not value.isprintable() or "/" in value:
            raise UserErrorException(f"its {field} {value[:80]!a} is too long, not printable, or a path.")
