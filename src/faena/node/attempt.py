"""One attempt of a run from order to end, and the taking over of one whose runner died."""

from __future__ import annotations

import fcntl
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from faena.attempts.api import ServerApi
from faena.attempts.folder import AttemptFolder, MovingFolder, write_record
from faena.attempts.key import AttemptKey
from faena.attempts.outputs import insist
from faena.attempts.records import SCRIPT_ORDER, UnreadableRecord
from faena.kernel.discovery import names_file
from faena.kernel.errors import EnvironmentBuildException, FaenaError
from faena.kernel.transport import segment
from faena.node import data, notes, outcome, room, secrets, staging, without_gpu
from faena.node.children import Children
from faena.node.command import note_on_path
from faena.node.context import AttemptContext, note
from faena.node.finishing import finish
from faena.node.forking import ForkServer
from faena.node.home import Home, resolved
from faena.node.launch import GuardProcess
from faena.node.left_files import LeftFiles
from faena.node.ranks import answers, starting
from faena.node.script_requests import Answerer
from faena.node.system_metrics import Sampler
from faena.script.spool import SpoolWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from faena.node.lease import Lease
    from faena.node.warm.starts import WarmStarts

_LOOK = 0.2
"""Seconds between looks at whether the script is to be stopped; its end wakes the runner at once."""
_GUARD_PATIENCE = 60.0
_CANCELED = "The run was canceled before its script started."


def run(
    order: dict[str, Any],
    api: ServerApi,
    home: Home,
    node: str,
    sockets: Path,
    forks: ForkServer | None,
    warm: WarmStarts | None = None,
    lease: Lease | None = None,
    draining: threading.Event | None = None,
) -> dict[str, Any]:
    """Do what the order says; returns when the server has closed the attempt, with what `node` is to do next.

    `lease`: of a node elsewhere, without which no script of it may live. `draining`: set when this process is to end.
    """
    key = AttemptKey(order["run_id"], order["attempt"], order["rank"])
    refuse = partial(_refuse, api, key, AttemptFolder(home.attempt(key)), node)
    watch = data.CancelWatch(api, key, draining)

    def fail(what: str, error: Exception) -> dict[str, Any]:
        message = f"{what}: {_told(error)}"
        if lease is not None and room.is_full(error):  # the run goes where there is room
            _refuse(api, key, AttemptFolder(home.attempt(key)), "", message, "node_lost")
            return {}
        return refuse(message)

    try:
        home.make_environment(order["environment"], key, watch)
        order = resolved(order, key, home)
    except data.Canceled:
        return refuse(_CANCELED, "canceled")
    except data.Draining:
        return refuse(**outcome.shut_down("before the script started"))
    except EnvironmentBuildException as error:
        return refuse(str(error), "environment")
    except Exception as error:  # noqa: BLE001  whatever it is, the run ends and the node goes on
        return fail("What the run needs is not on the node", error)
    try:
        folder = staging.stage(order, home)
        starting.check(order, folder)
    except Exception as error:  # noqa: BLE001  as above
        return fail("The snapshot could not be staged", error)
    try:
        staging.bring_checkpoint(order, home, folder)
    except Exception as error:  # noqa: BLE001  as above
        return fail("The checkpoint could not be brought to the node", error)
    try:
        left_out = home.bring_data(order["inputs"], watch)
        left = LeftFiles(home.open_object, home.verified)
        order = data.place(order, folder, watch, partial(note, api, key), left_out, left)
    except data.Canceled:
        return refuse(_CANCELED, "canceled")
    except data.Draining:
        return refuse(**outcome.shut_down("before the script started"))
    except Exception as error:  # noqa: BLE001  as above
        return fail("The run's data could not be brought to the node", error)
    if message := note_on_path(order, folder.code):
        note(api, key, "source_root_last", message)
    if lease is not None and not lease.holds():
        found = outcome.given_up_before_start()
        return refuse(found["message"], found["reason"])
    folder = MovingFolder(folder.path, api.locate)
    with _held(folder.lock) as lock:
        watched = order.get("watched", True)
        context = AttemptContext.of(order, api, key, folder, order["rank"], watched=watched)
        socket = sockets / f"{os.getpid()}.sock"
        children = None if api.shares_files else Children(api, key, folder.path.parents[2])
        answerer = Answerer(
            socket, api, key, folder, context.shipper, home.open_object, context.redaction, children
        )
        context.checkpoints.begin()
        try:
            files = home.files(order["snapshot"]) if order.get("warm") else ()
            start = partial(GuardProcess, order, folder, socket, forks, warm=warm, files=files)
            removed, told = _supervise(context, lock, start, lease, draining)
        finally:
            answerer.close()
            if children is not None:
                children.close()
        try:
            return finish(context, node=node, removed=removed, told=told)
        finally:
            context.checkpoints.close()


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
    context = AttemptContext.of(order, api, key, folder, key.rank)
    told = secrets.hide_again(context.redaction, api, key)
    context.follower.start_at(api.offsets(key))
    finish(context, adopted=True, told=told)


def _order_of(folder: AttemptFolder, api: ServerApi, key: AttemptKey) -> dict[str, Any]:
    """What the attempt's runner was asked to do; what is needed to end it where that cannot be read any more."""
    try:
        return folder.order(SCRIPT_ORDER)
    except UnreadableRecord as error:
        message = f"{error} The attempt was ended without it; what was to be uploaded to datastores was not."
        note(api, key, **notes.unreadable(key, "order", message))
        run = insist(lambda: api.call("GET", f"/runs/{segment(key.run_id)}"))
        return {"node_count": run["node_count"], "max_run_duration_seconds": None}


def _supervise(
    context: AttemptContext,
    lock: int,
    start: Callable[..., GuardProcess],
    lease: Lease | None,
    draining: threading.Event | None,
) -> tuple[bool, list[dict[str, str]]]:
    """Whether the folder was removed while the script ran, which is ended then; notes on how the script was started."""
    order, folder, shipper = context.order, context.folder, context.shipper
    reserve = None if lease is None else room.Reserve(folder.path)
    try:
        guard = start(fence=None if lease is None else lease.fence())
    except OSError as error:
        write_record(folder.path, "end", {"not_started": f"The script's guard could not be started: {error}"})
        return False, []
    if guard.has_no_gpu and not context.api.shares_files:
        note(context.api, context.key, **without_gpu.note())
    system = SpoolWriter(str(folder.system))
    sampler = Sampler(guard.pid, [gpu for gpu in order["gpus"].split(",") if gpu], system.point)
    limit = order["max_run_duration_seconds"]
    overdue = None if limit is None else time.monotonic() + limit
    early = order.get("early_signal")
    early_at = None if early is None or overdue is None else overdue - early[1]
    canceled = removed = False
    shipper.start()
    with ExitStack() as ending:
        ending.callback(system.end)
        ending.callback(guard.close)
        if lease is not None:
            ending.enter_context(lease.running(context.key.name, guard))
        while not guard.wait(_LOOK, context.checkpoints.sign):
            if lease is not None:
                lease.look()
            if reserve is not None:
                reserve.give_when_full()
            if shipper.cancel_requested.is_set() and not canceled:
                guard.ask_to_stop(b"c")
                canceled = True
                if answers.has_failed_elsewhere(order, context.api):
                    guard.ask_to_stop(b"p")
            if draining is not None and draining.is_set():
                guard.ask_to_stop(b"d")
                draining = None
            if early_at is not None and time.monotonic() >= early_at:
                guard.ask_to_stop(b"e")
                early_at = None
            if overdue is not None and time.monotonic() >= overdue:
                guard.ask_to_stop(b"t")
                overdue = None
            if not removed and not names_file(folder.lock, lock):
                guard.ask_to_stop(b"r")
                removed = True
            context.checkpoints.look()
            context.events.look()
            sampler.sample_when_due()
    told = notes.of_warm_start(guard.cold, guard.told(folder))
    if reserve is not None and reserve.is_given:
        told.append(notes.disk_full(context.key))
    return removed or not names_file(folder.lock, lock), told


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
