"""The attempt folder's own files."""

from __future__ import annotations

from pathlib import Path

from faena.attempts.folder import write_record


def test_records_are_their_owners_alone(tmp_path: Path) -> None:
    """They hold the variables that a run was given."""
    write_record(tmp_path, "order", {"environment_variables": {"API_KEY": "x"}})
    assert (tmp_path / "order.json").stat().st_mode & 0o777 == 0o600
