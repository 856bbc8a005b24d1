"""When a script began, by this server's clock: its machine's may be off by an hour, or a year.

So may that of the server's own host, where several processes have one clock (`server/several/common_clock.py`).
"""

from __future__ import annotations

from faena.compute.machines import store as machines
from faena.db import Write
from faena.kernel.clock import Micros
from faena.runs import phase_store, record_store
from faena.runs.model import Attempt

_TOLD = 60_000_000
"""Microseconds by which a clock is off before the run says so."""


def began(write: Write, attempt: Attempt, at: Micros, sent_at: Micros | None, now: Micros) -> Micros:
    """`at`, `sent_at`: when it began and when that was sent, by the machine's clock.

    What can be true is taken as it is, since what was sent may have waited for this server. Else the time between the
    two counts, and the run says how far the clock is off.
    """
    since = phase_store.latest_began(write, attempt.run_id)
    if not since <= at <= now and sent_at is not None:
        _tell(write, attempt, sent_at - now)
        at = now - (sent_at - at)
    return min(now, max(at, since))


def _tell(write: Write, attempt: Attempt, off: Micros) -> None:
    machine = machines.get(write, attempt.machine or "")
    if machine is None or abs(off) < _TOLD:
        return
    message = (
        f"The clock of the node {machine.name} is {_in_words(abs(off))} {'ahead of' if off > 0 else 'behind'} the "
        "server's. When the run began and ended is told by the server's; times of its metrics are the node's."
    )
    record_store.add_note(
        write, attempt.run_id, "node_clock", message, about=f"The clock of the node {machine.name} "
    )


def _in_words(off: Micros) -> str:
    seconds = off / 1e6
    for size, word in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} s"
