"""Exit codes are those of docs/command-line.md."""

from __future__ import annotations

import pytest

from faena.cli.outcome import CANCELED, FAILED, TIMED_OUT, exit_code
from faena.runs.schemas import ErrorView
from tests.cli.test_tables import view


@pytest.mark.parametrize(
    ("status", "reason", "code", "signal", "expected"),
    [
        ("Completed", "", None, None, 0),
        ("Canceled", "canceled", None, 15, CANCELED),
        ("Failed", "exit_code", 3, None, 3),
        ("Failed", "signal", None, 9, 137),
        ("Failed", "out_of_memory", None, 9, 137),
        ("Failed", "time_limit", None, 15, TIMED_OUT),
        ("Failed", "node_lost", None, 15, FAILED),
        ("Failed", "node_lost", None, None, FAILED),
    ],
)
def test_codes(status: str, reason: str, code: int | None, signal: int | None, expected: int) -> None:
    error = ErrorView(reason, "", code, signal, []) if reason else None
    assert exit_code(view(status=status, error=error)) == expected
