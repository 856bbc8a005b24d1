"""One attempt of a run from order to end, and the taking over of one whose runner died."""

from __future__ import annotations

import fcntl
import os
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from faena.attempts.api import ServerApi
from faena.attempts.checkpoint_files import STILL_S
from faena.attempts.checkpoints import FOLDER as CHECKPOINTS
from faena.attempts.checkpoints import Checkpoints
from faena.attempts.event_files.watching import EventFiles
from faena.attempts.folder import SPECIAL, AttemptFolder, MovingFolder, write_record
from faena.attempts.follow import Follower
from faena.attempts.key import AttemptKey
from faena.attempts.output_names import remains
from faena.attempts.outputs import insist, keep
from faena.attempts.records import SCRIPT_ORDER, UnreadableRecord
from faena.attempts.redaction import Redaction
from faena.attempts.upload import Shipper
from faena.kernel import process_identity
from faena.kernel.discovery import names_file
from faena.kernel.errors import FaenaError, UserErrorException
from faena.kernel.transport import segment
from faena.node import data, notes, outcome, secrets, staging
from faena.node.command import note_on_path
from faena.node.forking import ForkServer
from faena.node.home import Home, resolved
from faena.node.launch import GuardProcess
from faena.node.script_requests import Answerer
from faena.node.system_metrics import Sampler
from faena.script.spool import SpoolWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from faena.node.warm.starts import WarmStarts

_LOOK = 0.2
"""Seconds between looks at whether the script is to be stopped; its end wakes the runner at once."""
_GUARD_PATIENCE = 60.0


def run(
    order: dict[str, Any],
    api: ServerApi,
    home: Home,
    node: str,
    sockets: Path,
    forks: ForkServer | None,
    warm: WarmStarts | None = None,
) -> dict[str, Any]:
    """Do what the order says; returns when the server has closed the attempt, with what `node` is to do next."""
    key = AttemptKey(order["run_id"], order["attempt"], order["rank"])
    refuse = partial(_refuse, api, key, AttemptFolder(home.attempt(key)), node)
    try:
        order = resolved(order, key, home)
    except Exception as error:  # noqa: BLE001  whatever it is, the run ends and the node goes on
        return refuse(f"What the run needs is not on the node: {_told(error)}")
    try:
        folder = staging.stage(order, home)
    except Exception as error:  # noqa: BLE001  as above
        return refuse(f"The snapshot could not be staged: {_told(error)}")
    try:
        staging.bring_checkpoint(order, home, folder)
    except Exception as error:  # noqa: BLE001  as above
        return refuse(f"The checkpoint could not be brought to the node: {_told(error)}")
    try:
        order = data.place(order, folder, data.CancelWatch(api, key), partial(_note, api, key))
    except data.Canceled:
        return refuse("The run was canceled before its script started.", "canceled")
    except Exception as error:  # noqa: BLE001  as above
        return refuse(f"The run's data could not be brought to the node: {_told(error)}")
    if message := note_on_path(order, folder.code):
        _note(api, key, "source_root_last", message)
    folder = MovingFolder(folder.path, api.locate)
    with _held(folder.lock) as lock:
        redaction = Redaction(lambda: folder.path)
        follower = Follower(folder, rank=order["rank"], node_count=order["node_count"], redaction=redaction)
        watched = order.get("watched", True)
        shipper = Shipper(api, key, follower, watched=watched, started_at=folder.started_at)
        socket = sockets / f"{os.getpid()}.sock"
        answerer = Answerer(socket, api, key, folder, shipper, home.open_object, redaction)
        saved = _checkpoints(order, api, key, folder)
        saved.begin()
        events = EventFiles(order, folder)
        try:
            start = partial(GuardProcess, order, folder, socket, forks, warm=warm)
            files = home.files(order["snapshot"]) if order.get("warm") else ()
            removed, told = _supervise(
                order, folder, shipper, lock, partial(start, files=files), saved, events
            )
        finally:
            answerer.close()
        try:
            return _finish(
                order,
                api,
                key,
                folder,
                shipper,
                saved,
                events,
                redaction,
                node=node,
                removed=removed,
                told=told,
            )
        finally:
            saved.close()


def adopt(key: AttemptKey, attempts: Path, api: ServerApi) -> None:
    """Finish an attempt whose runner died: wait for its guard, ship what is left, close it.

    `attempts`: the folder of all attempts.
    """
    folder = MovingFolder(key.folder(attempts), api.locate)
    order = _order_of(folder, api, key)
    with _held(folder.lock):
        if not folder.path.exists():  # its runner lived, in a workspace that was moved, and has closed it
            return
        with _held(folder.guard_lock):
            _finish_for_another(order, api, key, folder)


def _finish_for_another(
    order: dict[str, Any], api: ServerApi, key: AttemptKey, folder: AttemptFolder
) -> None:
    redaction = Redaction(lambda: folder.path)
    told = secrets.hide_again(redaction, api, key)
    follower = Follower(folder, rank=key.rank, node_count=order["node_count"], redaction=redaction)
    follower.start_at(api.offsets(key))
    shipper = Shipper(api, key, follower, started_at=folder.started_at)
    saved = _checkpoints(order, api, key, folder)
    events = EventFiles(order, folder)
    _finish(order, api, key, folder, shipper, saved, events, redaction, adopted=True, told=told)


def _checkpoints(
    order: dict[str, Any], api: ServerApi, key: AttemptKey, folder: AttemptFolder
) -> Checkpoints:
    begun = (order.get("checkpoint") or {}).get("files", ())
    return Checkpoints(api, key, folder, order.get("checkpoint_folder", CHECKPOINTS), begun)


def _order_of(folder: AttemptFolder, api: ServerApi, key: AttemptKey) -> dict[str, Any]:
    """What the attempt's runner was asked to do; what is needed to end it where that cannot be read any more."""
    try:
        return folder.order(SCRIPT_ORDER)
    except UnreadableRecord as error:
        message = f"{error} The attempt was ended without it; what was to be uploaded to datastores was not."
        _note(api, key, **notes.unreadable(key, "order", message))
        run = insist(lambda: api.call("GET", f"/runs/{segment(key.run_id)}"))
        return {"node_count": run["node_count"], "max_run_duration_seconds": None}


def _supervise(
    order: dict[str, Any],
    folder: AttemptFolder,
    shipper: Shipper,
    lock: int,
    start: Callable[[], GuardProcess],
    saved: Checkpoints,
    events: EventFiles,
) -> tuple[bool, list[dict[str, str]]]:
    """Whether the folder was removed while the script ran, which is ended then; notes on how the script was started."""
    try:
        guard = start()
    except OSError as error:
        write_record(folder.path, "end", {"not_started": f"The script's guard could not be started: {error}"})
        return False, []
    system = SpoolWriter(str(folder.system))
    sampler = Sampler(guard.pid, [gpu for gpu in order["gpus"].split(",") if gpu], system.point)
    limit = order["max_run_duration_seconds"]
    overdue = None if limit is None else time.monotonic() + limit
    early = order.get("early_signal")
    early_at = None if early is None or overdue is None else overdue - early[1]
    canceled = removed = False
    shipper.start()
    try:
        while not guard.wait(_LOOK, saved.sign):
            if shipper.cancel_requested.is_set() and not canceled:
                guard.ask_to_stop(b"c")
                canceled = True
            if early_at is not None and time.monotonic() >= early_at:
                guard.ask_to_stop(b"e")
                early_at = None
            if overdue is not None and time.monotonic() >= overdue:
                guard.ask_to_stop(b"t")
                overdue = None
            if not removed and not names_file(folder.lock, lock):
                guard.ask_to_stop(b"r")
                removed = True
            saved.look()
            events.look()
            sampler.sample_when_due()
    finally:
        guard.close()
        system.end()
    return removed or not names_file(folder.lock, lock), notes.of_warm_start(guard.cold, guard.told(folder))


def _finish(
    order: dict[str, Any],
    api: ServerApi,
    key: AttemptKey,
    folder: AttemptFolder,
    shipper: Shipper,
    saved: Checkpoints,
    events: EventFiles,
    redaction: Redaction,
    *,
    node: str = "",
    adopted: bool = False,
    removed: bool = False,
    told: Sequence[dict[str, str]] = (),
) -> dict[str, Any]:
    """Each step may be repeated, by this process or by the next one. What `node` is to do next.

    An attempt that leaves no files ends in one request.
    """
    if removed:
        found, ended = outcome.removed(folder), None
    else:
        found, ended = outcome.read(
            folder,
            key,
            order["max_run_duration_seconds"],
            adopted=adopted,
            was_in=order.get("folder") if adopted else None,
        )
    if found["reason"] != "completed":
        from faena.node.hints.advice import with_advice  # with all that is known of failures

        found = with_advice(found, folder, order)
        found = {**found, "message": redaction.text(found["message"])}
    started_at = folder.started_at()
    if started_at is None and (started_at := outcome.may_have_started_at(found, folder)) is not None:
        shipper.assume_started(started_at)
    told = [*told]
    told += [
        notes.unreadable(key, record, str(error)) for record, error in outcome.unreadable(folder).items()
    ]
    restarted = adopted and order.get("boot", process_identity.boot()) != process_identity.boot()
    if restarted:
        told.append(notes.restarted())
    if (grace := outcome.killed_after(folder)) is not None:
        told.append(notes.killed(key, grace, order["node_count"]))
    if (clock := outcome.clock_set(folder)) is not None:
        told.append(notes.clock_set(key, *clock))
    if not removed and (left_out := events.finish()):
        told.append(notes.event_files(key, left_out))
    files, refused = remains(folder.code, SPECIAL)
    if files or refused or data.may_bring_back(order):
        insist(shipper.finish)
        insist(lambda: api.ended(key, found, ended))
        if not (restarted or removed):
            _take_last_checkpoint(saved, api, key, folder, found, ended, adopted=adopted)
        keep(api, key, files, refused)
        if started_at is not None:
            insist(lambda: _bring_back(order, api, key, folder))
    ending = {"outcome": found, "started_at": started_at, "notes": told}
    following = insist(lambda: shipper.close(ending, node))
    folder.forget()
    return following


def _take_last_checkpoint(
    saved: Checkpoints,
    api: ServerApi,
    key: AttemptKey,
    folder: AttemptFolder,
    found: dict[str, Any],
    ended: int | None,
    *,
    adopted: bool,
) -> None:
    """Once the script is gone. Who adopts an attempt knows of its files when they were written, and no more."""
    whole_until = None
    if adopted:
        saved.know(insist(lambda: api.taken_checkpoint(key)))
        last = ended * 1000 if ended is not None else folder.last_written()
        whole_until = last - int(STILL_S * 1e9)
    saved.finish(ended_well=found["reason"] == "completed", whole_until=whole_until)


def _bring_back(order: dict[str, Any], api: ServerApi, key: AttemptKey, folder: AttemptFolder) -> None:
    try:
        refused = data.bring_back(order, folder)
    except (KeyError, TypeError, AttributeError, UserErrorException) as error:  # a damaged order
        refused = [f"what the order says of it cannot be read ({type(error).__name__}: {error})"]
    if refused:
        api.note(key, "data_not_uploaded", f"Not uploaded: {data.some(refused)}.")


def _note(api: ServerApi, key: AttemptKey, code: str, message: str, about: str = "") -> None:
    insist(lambda: api.note(key, code, message, about))


def _told(error: Exception) -> str:
    """An error in a run's words; one that nobody foresaw with its traceback in the node's log."""
    if isinstance(error, (FaenaError, OSError)):
        return str(error)
    traceback.print_exc()
    return f"{type(error).__name__}: {error}"


def _refuse(
    api: ServerApi,
    key: AttemptKey,
    folder: AttemptFolder,
    node: str,
    message: str,
    reason: str = "not_started",
) -> dict[str, Any]:
    ending = {"outcome": {"reason": reason, "message": message}}
    following = insist(lambda: api.close(key, [], ending, node))
    folder.forget()
    return following or {}


@contextmanager
def _held(path: Path) -> Iterator[int]:
    """Hold the flock on `path`, waiting for whoever has it; the descriptor that holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        until = time.monotonic() + _GUARD_PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
        yield descriptor
    finally:
        os.close(descriptor)
