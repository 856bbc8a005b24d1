"""The backups that a folder holds: which there are, what goes, what a new one would lose. Kernel only."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from faena.backups import copies
from faena.backups.history import shown_time
from faena.backups.model import LARGEST_RECORD, OBJECTS, RECORD, BackupRecord, read_record
from faena.kernel import digests
from faena.kernel.clock import Micros
from faena.kernel.durable import write_atomically
from faena.kernel.errors import WorkspaceException

_LINE = 66
"""Bytes of a digest and what ends its line."""


def records(folder: Path) -> list[BackupRecord]:
    """Of all whole backups in a folder that can be read, the newest first."""
    found: dict[Micros, BackupRecord] = {}
    for path in (folder / RECORD, *folder.glob("faena-*.json")):
        try:
            record = read_record(copies.read_file(path, LARGEST_RECORD), path)
        except (OSError, WorkspaceException):
            continue
        found[record.at] = record
    return [found[at] for at in sorted(found, reverse=True)]


def is_whole(folder: Path, at: Micros) -> bool:
    """Whether the newest backup is the one of that time."""
    try:
        return read_record(copies.read_file(folder / RECORD, LARGEST_RECORD), folder / RECORD).at == at
    except (OSError, WorkspaceException):
        return False


def listed(folder: Path, record: BackupRecord) -> list[str]:
    """The digests of all objects that a backup holds. Raises WorkspaceException where the list is damaged or gone."""
    listing = folder / record.list
    try:
        data = copies.read_file(listing, (record.objects + 1) * _LINE)
    except OSError:
        data = b""
    found = data.decode("ascii", "replace").split()
    is_list = len(set(found)) == len(found) == record.objects and all(map(digests.FORM.fullmatch, found))
    if digests.of_bytes(data) != record.list_digest or not is_list:
        raise WorkspaceException(
            f"The list of the backup, {listing}, is damaged or gone. Use another backup."
        )
    return found


def add(folder: Path, record: BackupRecord) -> None:
    """Make a backup a whole one, and the newest; all else of it is on the disk. The one before stays beside it."""
    newest = folder / RECORD
    if newest.exists():
        said = copies.read_file(newest, LARGEST_RECORD)
        before = read_record(said, newest)
        if not (twin := _place(folder, before)).exists():
            write_atomically(twin, said)
    data = msgspec.json.format(msgspec.json.encode(record), indent=2)
    write_atomically(_place(folder, record), data)
    write_atomically(newest, data)


def remove_old(folder: Path, keep: int, *, accept_loss: bool = False) -> None:
    """Remove all but the newest backups, what was cut short, and the objects that none of those that stay holds.

    The newest that holds far more than each of those stays beside them, unless its loss is accepted: backups that
    are made every night must not push out the last good one.
    """
    there = records(folder)
    stay, go = there[:keep], there[keep:]
    richest = None if accept_loss else next((each for each in go if _is_far_more(each, stay)), None)
    if richest is not None:
        stay, go = [*stay, richest], [each for each in go if each is not richest]
    for record in go:
        _place(folder, record).unlink(missing_ok=True)  # first: it is no whole backup from now on
    names = {Path(name).name for record in stay for name in (record.database, record.list, record.datastores)}
    names |= {_place(folder, record).name for record in stay}
    trees = {Path(record.datastores).name for record in go}
    for path in (*folder.glob("faena-*"), *(folder / name for name in trees)):
        if path.name in names:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    try:
        wanted = {digest for record in stay for digest in listed(folder, record)}
    except WorkspaceException:
        return  # which objects a damaged backup needs, nobody knows: all stay
    for path in folder.glob(f"{OBJECTS}/??/*"):
        if path.name not in wanted:
            path.unlink()


def loss(folder: Path, needed: Mapping[str, int | None], runs: int) -> str:
    """What most of is in the newest backup and is not in the workspace any more; empty where nothing is.

    `needed`: the workspace's objects with their sizes; `runs`: how many it has.
    """
    there = records(folder)
    if not there:
        return ""
    before = there[0]
    found = [] if before.runs is None else [_compared(runs, before.runs, "runs")]
    try:
        held = listed(folder, before)
    except WorkspaceException:
        held = []
    still = [digest for digest in held if digest in needed]
    found.append(_compared(len(still), len(held), "files"))
    found.append(_compared(sum(needed[digest] or 0 for digest in still), before.size if held else 0, "bytes"))
    told = " and ".join(filter(None, found))
    return told and f"Of the backup of {shown_time(before.at)} in {folder}, the workspace has only {told}."


def _is_far_more(one: BackupRecord, others: Sequence[BackupRecord]) -> bool:
    """Whether none of the others has half of its runs, files or bytes."""
    most = [max(counts) for counts in zip(*map(_counts, others), strict=True)]
    return any(2 * most_of < of_one for most_of, of_one in zip(most, _counts(one), strict=True))


def _counts(record: BackupRecord) -> tuple[int, int, int]:
    return record.runs or 0, record.objects, record.size


def _compared(now: int, before: int, what: str) -> str:
    return f"{now:,} of {before:,} {what}" if 2 * now < before else ""


def _place(folder: Path, record: BackupRecord) -> Path:
    return folder / f"{Path(record.database).stem}.json"
