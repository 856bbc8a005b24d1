"""Experiments are found by their tags, on either database."""

from __future__ import annotations

from pathlib import Path

from faena.db import Write
from faena.mlflow.filters import experiments as filters
from faena.workspaces import store
from tests.databases import Databases

TAGS: dict[str, dict[str, str]] = {
    "plain": {},
    "north": {"team": "north", "a.b": "1", "said": 'a "word" ñ', 'a"b\\c': "odd", "ab": "even"},
    "south": {"team": "South"},
}
FOUND = {
    "tags.team = 'north'": ["north"],
    "tags.team != 'north'": ["south"],
    "tags.team ILIKE 'S%'": ["south"],
    "tags.`a.b` = '1'": ["north"],
    "tags.said LIKE '%\"word\" ñ'": ["north"],
    "tags.`a\"b\\c` = 'odd'": ["north"],
    "tags.ab = 'odd'": [],
    "tags.team IS NULL": ["plain"],
    "tags.nothing = 'x'": [],
}


def test_experiments_are_found_by_their_tags(databases: Databases, tmp_path: Path) -> None:
    def fill(write: Write) -> None:
        for number, (name, tags) in enumerate(TAGS.items(), 1):
            store.create_experiment(write, name, number)
            store.set_tags(write, name, tags)

    def names(asked: str) -> list[str]:
        where = filters.conditions(asked)
        views = database.look_up(lambda read: store.find_experiments(read, where, [], 0, 10))
        return sorted(each.name for each in views)

    database = databases.open(tmp_path / "faena.db")
    database.submit_write(fill).result()
    assert {asked: names(asked) for asked in FOUND} == FOUND
