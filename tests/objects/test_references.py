"""Collection and backups go by the columns that are marked as references to objects: none may be forgotten."""

from __future__ import annotations

import hashlib
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from faena.db import metadata
from faena.objects.references import references, referred
from faena.server import app  # noqa: F401  its features add their tables
from tests.examples import examples
from tests.tidying.house import TidyHouse

NO_REFERENCES = {
    "objects.digest": "the objects themselves",
    "fresh_objects.digest": "their bytes, until they have files",
    "snapshots.digest": "of the manifest, which lies in the row",
    "locks.digest": "of the lock, which lies in the row",
    "datasets.digest": "of the definition, which lies in the row",
    "logged_model_metrics.dataset_digest": "of data elsewhere, as a client told it",
    "run_datasets.digest": "of data elsewhere, as a client told it",
    "person_sessions.digest": "of a secret",
    "person_tokens.digest": "of a secret",
    "sweep_trials.digest": "of the parameters, which lie in the row",
}


def test_every_column_of_digests_is_marked_or_is_none() -> None:
    marked = {str(column) for column in references()}
    named = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.c
        if "digest" in column.name or column.name == "object"
    }
    assert named == marked | set(NO_REFERENCES)
    assert not marked & set(NO_REFERENCES)


CONTENTS = [b"", b"weights", b"print(1)", b"x" * 5000, b"a", b"b", b"c", b"d"]


class Needs:
    """What was done, and which bytes are needed for it: what is deleted too, until it is collected."""

    def __init__(self, house: TidyHouse) -> None:
        self.house = house
        self.files: dict[str, bytes] = {}
        """By run: each has one."""
        self.models: dict[str, bytes] = {}
        self.sources: set[bytes] = set()
        self.packs: dict[str, set[str]] = {}
        """By run: digests of what holds its log."""
        self.gone: list[tuple[dict[str, bytes], str]] = []

    def run(self, which: int) -> None:
        self.files[self.house.run({"outputs/m": CONTENTS[which]})] = CONTENTS[which]

    def overwrite(self, which: int) -> None:
        if self.files:
            run_id = list(self.files)[which % len(self.files)]
            self.house.keep(run_id, {"outputs/m": CONTENTS[which]})
            self.files[run_id] = CONTENTS[which]

    def put(self, which: int) -> None:
        self.house.objects.put([b"needed by nobody yet", CONTENTS[which]])

    def seal(self, which: int) -> None:
        if waiting := [run_id for run_id in self._there(self.files) if run_id not in self.packs]:
            run_id = waiting[which % len(waiting)]
            self.house.log(run_id, "logs/long.txt", random.Random(run_id).randbytes(20_000).hex().encode())
            before = set(self.house.objects.list())
            self.house.seal(run_id)
            self.packs[run_id] = set(self.house.objects.list()) - before
            assert len(self.packs[run_id]) == 1

    def offer(self, which: int) -> None:
        self.house.snapshot(CONTENTS[which])
        self.sources.add(CONTENTS[which])

    def register(self, which: int) -> None:
        there = self._there(self.files)
        if there:
            run_id = there[which % len(there)]
            self.models[self.house.register(run_id, "outputs/m")] = self.files[run_id]

    def delete_run(self, which: int) -> None:
        if there := self._there(self.files):
            run_id = there[which % len(there)]
            self.house.delete([run_id])
            self.gone.append((self.files, run_id))

    def delete_model(self, which: int) -> None:
        if there := self._there(self.models):
            name = there[which % len(there)]
            self.house.delete(models=(name,))
            self.gone.append((self.models, name))

    def collect(self, which: int) -> None:
        self.house.collect(now=True)
        for things, name in self.gone:
            del things[name]
            self.packs.pop(name, None)
        self.gone.clear()

    def _there(self, things: dict[str, bytes]) -> list[str]:
        return [
            name for name in things if not any(each is things and name == gone for each, gone in self.gone)
        ]

    def digests(self) -> set[str]:
        needed = {*self.files.values(), *self.models.values(), *self.sources}
        return {hashlib.sha256(data).hexdigest() for data in needed}.union(*self.packs.values())


ACTS = ["run", "overwrite", "put", "seal", "offer", "register", "delete_run", "delete_model", "collect"]


@pytest.mark.long
@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, len(CONTENTS) - 1)), max_size=12))
@example(
    [("run", 1), ("register", 0), ("delete_run", 0), ("collect", 0), ("delete_model", 0), ("collect", 0)]
)
@example(
    [("run", 1), ("seal", 0), ("offer", 2), ("overwrite", 3), ("put", 0), ("delete_run", 0), ("collect", 0)]
)
@settings(max_examples=examples(4))
def test_referred_is_exactly_what_is_needed(acts: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory(prefix="faena-test-") as place:
        house = TidyHouse(Path(place))
        needs = Needs(house)
        try:
            for what, which in acts:
                getattr(needs, what)(which)
                assert house.read(referred).keys() == needs.digests(), what
        finally:
            house.close()
