"""Addresses that a notebook's user can click."""

from __future__ import annotations

from faena.client.session import Session


def of_run(session: Session, run_id: str) -> str:
    return f"{session.files.path.as_uri()}#{run_id}"


def of_experiment(session: Session, name: str) -> str:
    return f"{session.files.path.as_uri()}#{name}"
