"""Experiments whose files lie elsewhere, as the doctor sees them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from faena.health.finding import State
from faena.health.locations import check_locations
from faena.health.subject import Subject


def test_they_are_named_and_those_that_are_gone_warned_of(subject: Subject, tmp_path: Path) -> None:
    assert list(check_locations(subject)) == []
    there = tmp_path / "art work"
    there.mkdir()
    places = {"bucket": "s3://bucket/a", "folder": there.as_uri(), "plain": None, "odd": 5}
    assert subject.database is not None
    with closing(sqlite3.connect(subject.database)) as connection, connection:
        for number, (name, place) in enumerate(places.items()):
            tags = b"{" if place is None else json.dumps({"faena.artifact_location": place}).encode()
            connection.execute(
                "INSERT INTO experiments (name, created_at, runs, served, tags, id) VALUES (?, 0, 0, 0, ?, ?)",
                (name, tags, number),
            )
    [found] = check_locations(subject)
    assert (found.state, found.remedy) == (State.OK, "")
    assert found.found.startswith(
        "2 experiments with files elsewhere, which no backup has: bucket at s3://bucket/a"
    )
    there.rmdir()
    [gone] = check_locations(subject)
    assert gone.state is State.WARNING
    assert "'folder', is not there" in gone.found
