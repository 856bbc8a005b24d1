"""From the guard's records to how an attempt ended, in words for people."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable
from typing import Any

from faena.attempts.folder import AttemptFolder
from faena.attempts.key import AttemptKey
from faena.attempts.records import SCRIPT_ENDED, SCRIPT_NOT_STARTED, UnreadableRecord
from faena.node import processes
from faena.node.ranks import told_ends

_CLOCK_STEP = 3.0
"""Seconds between clock and elapsed time that are told."""
_CLOCK_DRIFT = 0.001
"""Of a clock that is corrected without a step: NTP slews by half of it."""


def read(
    folder: AttemptFolder,
    key: AttemptKey,
    limit: float | None,
    *,
    adopted: bool = False,
    was_in: str | None = None,
) -> tuple[dict[str, Any], int | None]:
    """(outcome for the server, when the script ended in µs or None). The guard has left when this is called.

    `limit`: the seconds that the script was allowed.

    Where a script surely never started, nothing has happened yet that counts: the node was lost and the run may be
    placed again. `adopted`: the attempt's runner died. `was_in`: where its runner had the folder.
    """
    try:
        end = folder.end(SCRIPT_NOT_STARTED, SCRIPT_ENDED)
    except UnreadableRecord as error:
        _end_what_is_left(key)
        return _unknown(error), None
    if end is None:
        killed = _without_record(folder, key)
        if was_in is not None and was_in != str(folder.path):
            killed = _carried(was_in, folder)
        return (_lost_before_start() if adopted and not folder.may_have_started() else killed), None
    if "not_started" in end:
        if end.get("stopped_for") == "runner_lost":
            return _lost_before_start(), None
        if end.get("stopped_for") == "fenced":
            return given_up_before_start(), None
        return {"reason": "not_started", "message": str(end["not_started"])}, None
    if (end["exit_code"] is None) == (end["signal"] is None):
        why = (
            "neither exit code nor signal is in it"
            if end["signal"] is None
            else "it has exit code and signal"
        )
        return _unknown(UnreadableRecord(folder.path / "end.json", why)), None
    outcome = _of_end(end, limit)
    if outcome["reason"] in told_ends.REASONS:
        outcome |= told_ends.of_ranks(folder, end)
    return {**outcome, "exit_code": end["exit_code"], "signal": end["signal"]}, end["ended"]


def removed(folder: AttemptFolder) -> dict[str, Any]:
    return {
        "reason": "node_lost",
        "message": f"The folder of the attempt, {folder.path}, was removed while the script ran, and the script was "
        "ended with it. What had been brought to the server by then is kept. Submit the run again.",
    }


def _carried(was_in: str, folder: AttemptFolder) -> dict[str, Any]:
    """Its guard could write its end nowhere, or into what was not copied any more."""
    return {
        "reason": "node_lost",
        "message": f"The workspace was moved while the script ran: the folder of the attempt was {was_in} and is "
        f"{folder.path}. Where it was copied to another file system, the script ended with the old one. What it wrote "
        "until then is kept. Submit the run again.",
    }


def _of_end(end: dict[str, Any], limit: float | None) -> dict[str, Any]:
    stopped_for = end["stopped_for"]
    if stopped_for == "cancel":
        return {"reason": "canceled", "message": "The run was canceled."}
    if stopped_for == "time_limit":
        allowed = "" if limit is None else f"={limit:g}"
        return {
            "reason": "time_limit",
            "message": f"The script ran longer than max_run_duration_seconds{allowed} and was stopped. "
            "Raise the limit or make the script shorter.",
        }
    if stopped_for == "runner_lost":
        return _node_lost()
    if stopped_for == "fenced":
        return _fenced(end.get("silent"))
    if stopped_for == "drained":
        return shut_down("while the script ran, which had its grace")
    if end["out_of_memory"]:
        return {
            "reason": "out_of_memory",
            "message": "The kernel killed the script for want of memory. "
            "Use less memory (a smaller batch), or run fewer nodes on this machine (max_nodes).",
        }
    if end["signal"] is not None:
        return {"reason": "signal", "message": f"The script was killed by {_signal_name(end['signal'])}."}
    if end["exit_code"] != 0:
        return {"reason": "exit_code", "message": f"The script ended with exit code {end['exit_code']}."}
    return {"reason": "completed", "message": ""}


def may_have_started_at(found: dict[str, Any], folder: AttemptFolder) -> int | None:
    """When a script began, in µs, that has no record of it and may have begun all the same."""
    if found["reason"] != "node_lost":  # one that could not be started has its log, too
        return None
    try:
        return folder.driver_log.stat().st_mtime_ns // 1000
    except OSError:
        return None


def killed_after(folder: AttemptFolder) -> float | None:
    """The seconds of grace that the script had and did not leave within; None where it left."""
    try:
        end = folder.end(SCRIPT_ENDED)
    except UnreadableRecord:
        return None
    grace = None if end is None else end.get("killed_after")
    return float(grace) if isinstance(grace, (int, float)) else None


def clock_set(folder: AttemptFolder) -> tuple[float, float] | None:
    """Seconds by which the clock was set while the script ran, and those for which it ran; None: it was not set."""
    try:
        start, end = folder.start(), folder.end(SCRIPT_ENDED)
    except UnreadableRecord:
        return None
    seconds = None if end is None else end.get("seconds")
    if start is None or end is None or not isinstance(seconds, float) or not 0 <= seconds < math.inf:
        return None
    by = (end["ended"] - start["at"]) / 1e6 - seconds
    return (by, seconds) if abs(by) > max(_CLOCK_STEP, seconds * _CLOCK_DRIFT) else None


def unreadable(folder: AttemptFolder) -> dict[str, UnreadableRecord]:
    """What the guard wrote and nobody can read, by the record's name."""
    found: dict[str, UnreadableRecord] = {}
    reading: dict[str, Callable[[], object]] = {
        "start": folder.start,
        "end": lambda: folder.end(SCRIPT_NOT_STARTED, SCRIPT_ENDED),
    }
    for name, read_one in reading.items():
        try:
            read_one()
        except UnreadableRecord as error:
            found[name] = error
    return found


def _unknown(error: UnreadableRecord) -> dict[str, Any]:
    return {
        "reason": "node_lost",
        "message": f"How the script ended is not known: {error} What it wrote until then is kept.",
    }


def _end_what_is_left(key: AttemptKey) -> None:
    processes.kill_marked(f"FAENA_MARK={key.run_id}.{key.attempt}.{key.rank}", deadline=10.0)


def _without_record(folder: AttemptFolder, key: AttemptKey) -> dict[str, Any]:
    """The guard has left no word of an end; the script's own process dies with it, the rest is ended here."""
    _end_what_is_left(key)
    if not folder.may_have_started():
        return {
            "reason": "node_lost",
            "message": "The script's guard was killed, or failed, before the script started.",
        }
    if folder.started_at() is None:
        return {
            "reason": "node_lost",
            "message": "Whether the script had begun is not known: its guard was killed, or could not write, as the "
            "script was about to start, and the script ended with it.",
        }
    return {
        "reason": "node_lost",
        "message": "How the script ended is not known: its guard left no record of it. The guard was killed or could "
        "not write, and the script ended with it; or the record, end.json, was lost. What the script wrote until then "
        "is kept.",
    }


def _node_lost() -> dict[str, Any]:
    return {
        "reason": "node_lost",
        "message": "The node's runner died while the script ran, and the script was ended with it. "
        "What it wrote until then is kept. Submit the run again.",
    }


def _fenced(silent: float | None) -> dict[str, Any]:
    """`silent`: seconds without a word from the server; None where it said that it had given the node up."""
    why = (
        "The server had given the node up"
        if silent is None
        else f"The node had no word from the server for {silent:g} s"
    )
    return {
        "reason": "node_lost",
        "message": f"{why} and ended the script itself, since the run may be given to another node then. What the "
        "script wrote until then is kept.",
    }


def shut_down(when: str) -> dict[str, Any]:
    """The node was asked to end, as where its machine goes to sleep for the night."""
    return {
        "reason": "node_lost",
        "message": f"The node was shut down (SIGTERM or Ctrl-C) {when}. What the script wrote until then is kept.",
    }


def given_up_before_start() -> dict[str, Any]:
    return {
        "reason": "node_lost",
        "message": "The server had no word from the node and gave it up before the script started.",
    }


def was_fenced(folder: AttemptFolder) -> bool:
    """Whether the node ended the script for want of the server's word: the run may be another node's by then."""
    try:
        end = folder.end(SCRIPT_ENDED)
    except UnreadableRecord:
        return False
    return end is not None and end["stopped_for"] == "fenced"


def _lost_before_start() -> dict[str, Any]:
    return {"reason": "node_lost", "message": "The node's runner died before the script started."}


def _signal_name(number: int) -> str:
    try:
        return f"{signal.Signals(number).name} (signal {number})"
    except ValueError:
        return f"signal {number}"
