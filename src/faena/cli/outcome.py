"""Exit codes that say how a run ended; docs/command-line.md lists them. No I/O."""

from __future__ import annotations

from faena.runs.schemas import RunView

FAILED = 1
TIMED_OUT = 124
"""That of timeout(1)."""
CANCELED = 143
"""The shell's code of what SIGTERM ended, which is what a cancel sends."""


def exit_code(run: RunView) -> int:
    """0 for Completed; that of the script where it failed by itself, as a shell would give it."""
    if run.status == "Completed":
        return 0
    if run.status == "Canceled":
        return CANCELED
    if run.error is None:
        return FAILED
    if run.error.reason == "time_limit":
        return TIMED_OUT
    if run.error.reason == "node_lost":
        return FAILED  # a signal that its script had then came with the node's end: it says nothing of the script
    if run.error.signal:
        return 128 + run.error.signal
    code = run.error.exit_code
    return code if code is not None and 0 < code < 256 else FAILED
