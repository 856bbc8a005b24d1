"""Answers to requests that no worker answers."""

from __future__ import annotations

import math
import os
import signal

import msgspec

from faena.scoring.exchange import Answer


def queue_is_full(limit: int, retry_after: float) -> Answer:
    return _answer(
        429,
        f"{limit:,} requests wait for a worker already, which is the limit (max_queue). Send it again later, or give "
        "the endpoint more workers.",
        retry_after,
    )


def not_ready(why: str, retry_after: float | None = None) -> Answer:
    return _answer(503, why, retry_after)


def waited_too_long(seconds: float) -> Answer:
    return _answer(
        504,
        f"The request waited for a worker for {seconds:g} s, which is the limit (timeout_seconds), and was not begun.",
    )


def ran_too_long(seconds: float) -> Answer:
    return _answer(
        504,
        f"run() took longer than {seconds:g} s, which is the limit (timeout_seconds). Its worker was ended.",
    )


def came_too_late(seconds: float) -> Answer:
    return _answer(
        504,
        f"The request waited for a worker, and run() had not ended {seconds:g} s after it came, which is the limit "
        "(timeout_seconds). Give the endpoint more workers, or more time.",
    )


def worker_died(status: int | None, together: int = 1) -> Answer:
    beside = f" (it was one of {together} in a batch)" if together > 1 else ""
    return _answer(
        502, f"The worker {ending(status)} while it ran the request{beside}. It is not tried again."
    )


def ending(status: int | None) -> str:
    """How a process ended, by its wait status."""
    if status is None:
        return "was ended together with its guard"
    if os.WIFSIGNALED(status):
        return f"was killed by {signal_name(status)}"
    return f"ended with exit code {os.WEXITSTATUS(status)}"


def signal_name(status: int) -> str:
    number = os.WTERMSIG(status)
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _answer(status: int, message: str, retry_after: float | None = None) -> Answer:
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if retry_after is not None:
        headers = ((b"retry-after", b"%d" % max(1, math.ceil(retry_after))),)
    return Answer(status, msgspec.json.encode({"message": message}), headers=headers)
