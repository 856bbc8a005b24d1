"""The contract of `faena.db.Database`: inherit and give the fixture `database` and the table `notes`."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from faena.db import (
    BigInteger,
    Database,
    Integer,
    Read,
    String,
    Text,
    Write,
    has_bytes,
    like,
    metadata,
    upsert,
)
from faena.db.prepared import Prepared
from faena.db.schema import OF_PLACE
from faena.kernel.errors import UserErrorException

notes = sa.Table(
    "contract_notes",
    metadata,
    sa.Column("id", Integer, primary_key=True),
    sa.Column("text", Text),
    sa.Column("kind", String(8)),
    sa.Column("size", BigInteger),
    sa.UniqueConstraint("kind", "size"),
    info=OF_PLACE,
)
"""A table of the suite's own, which no copy takes along; import this module before the database is made."""

SPELLED = ["", "A", "Z", "_", "a", "z", "Ä", "ä", "ﬁ", "🚲"]
"""Texts in the order of their code points."""
MATCHES = [
    ("%b%", ["aBc", "abc", "Äb", "äb"]),
    ("A_C", ["aBc", "abc"]),
    ("Ä%", ["Äb"]),
    ("ä%", ["äb"]),
    ("%ß", ["ß"]),
    ("_", ["%", "!", "ß", "\\"]),
    (r"\%", ["%"]),
    (r"1\_%", ["1_0"]),
    ("1_%", ["100", "1_0"]),
    ("!", ["!"]),
    ("\\", ["\\"]),
    (r"\\", ["\\"]),
    (r"a\bc", []),
]
UNSTORABLE: list[tuple[str, Any]] = [
    ("kind", "123456789"),
    ("size", 2**63),
    ("id", -(2**63) - 1),
]


_PREPARED_ADD = Prepared(notes.insert())
_PREPARED_ONE = Prepared(notes.select().where(notes.c.text == sa.bindparam("wanted")))
_PREPARED_CHANGE = Prepared(
    notes.update()
    .where(notes.c.size == sa.bindparam("of_size"))
    .values(kind="set", text=sa.bindparam("new"), size=notes.c.size + 1)
    .returning(notes.c.id, notes.c.size)
)
_PREPARED = Prepared(
    sa.select(notes.c.text, notes.c.size).where(
        notes.c.size.between(sa.bindparam("least"), sa.bindparam("most"))
    )
)


def _add(write: Write, text: str) -> int:
    return int(write.execute(notes.insert().values(text=text).returning(notes.c.id)).scalar_one())


def _texts(read: Read) -> list[str]:
    return [row.text for row in read.execute(notes.select().order_by(notes.c.id))]


class DatabaseContract:
    def test_what_was_written_is_read_at_once(self, database: Database) -> None:
        database.submit_write(lambda write: _add(write, "a")).result()
        assert database.submit_read(_texts).result() == ["a"]

    def test_a_write_that_fails_leaves_nothing_and_says_why(self, database: Database) -> None:
        def fail(write: Write) -> None:
            _add(write, "half")
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            database.submit_write(fail).result()
        assert database.submit_read(_texts).result() == []

    def test_a_failing_write_takes_none_of_its_neighbours_with_it(self, database: Database) -> None:
        gate = threading.Event()

        def wait(write: Write) -> None:
            gate.wait(10)

        def fail(write: Write) -> None:
            _add(write, "half")
            raise ValueError("no")

        first = database.submit_write(wait)  # holds the writer, so that the next three are one group
        good = database.submit_write(lambda write: _add(write, "a"))
        bad = database.submit_write(fail)
        also_good = database.submit_write(lambda write: _add(write, "b"))
        gate.set()
        first.result()
        good.result()
        also_good.result()
        with pytest.raises(ValueError, match="no"):
            bad.result()
        assert database.submit_read(_texts).result() == ["a", "b"]

    def test_a_read_cannot_write(self, database: Database) -> None:
        with pytest.raises(sa.exc.DBAPIError):
            database.submit_read(lambda read: read.execute(notes.insert().values(text="x"))).result()

    @pytest.mark.parametrize(("column", "value"), UNSTORABLE)
    def test_what_no_column_takes_is_an_error_that_says_so(
        self, database: Database, column: str, value: Any
    ) -> None:
        def add(write: Write) -> None:
            write.execute(notes.insert().values({column: value}))

        with pytest.raises(UserErrorException) as caught:
            database.submit_write(add).result()
        assert caught.value.code == "UserErrorException"
        assert database.submit_read(_texts).result() == []

    def test_what_no_text_may_hold_is_marked_and_found(self, database: Database) -> None:
        database.submit_write(partial(_add, text="a\0b\ud800\ud83d\udeb2")).result()
        assert database.submit_read(_texts).result() == ["a\ufffdb\ufffd\U0001f6b2"]

        def find(read: Read) -> int:
            return len(read.execute(notes.select().where(notes.c.text.startswith("a\0"))).all())

        assert database.submit_read(find).result() == 1

    def test_the_longest_and_the_greatest_are_kept(self, database: Database) -> None:
        kept = {"text": "ä\n" * 100_000, "kind": "🚲" * 8, "size": -(2**63), "id": 2**63 - 1}
        database.submit_write(lambda write: write.execute(notes.insert().values(kept)) and None).result()
        [row] = database.submit_read(lambda read: read.execute(notes.select()).mappings().all()).result()
        assert dict(row) == kept

    def test_what_is_too_long_may_be_asked_for(self, database: Database) -> None:
        def find(read: Read) -> int:
            asked = notes.select().where((notes.c.kind == "123456789") | (notes.c.size == 0.5))
            return len(read.execute(asked).all())

        assert database.submit_read(find).result() == 0

    def test_texts_are_ordered_by_code_point(self, database: Database) -> None:
        for text in reversed(SPELLED):
            database.submit_write(partial(_add, text=text)).result()

        def ordered(read: Read) -> list[str]:
            return list(read.execute(sa.select(notes.c.text).order_by(notes.c.text)).scalars())

        assert database.submit_read(ordered).result() == SPELLED

    @pytest.mark.parametrize(("pattern", "matching"), MATCHES)
    def test_like_means_the_same(self, database: Database, pattern: str, matching: list[str]) -> None:
        def add(write: Write) -> None:
            texts = ["aBc", "abc", "Äb", "äb", "ß", "%", "!", "100", "1_0", "\\", ""]
            write.execute(notes.insert(), [{"text": text} for text in texts])

        def find(read: Read) -> list[str]:
            return list(read.execute(sa.select(notes.c.text).where(like(notes.c.text, pattern))).scalars())

        database.submit_write(add).result()
        assert sorted(database.submit_read(find).result()) == sorted(matching)

    def test_bytes_are_found_in_bytes(self, database: Database) -> None:
        there = sa.literal(b'a\0"b":[\xff', sa.LargeBinary())

        def ask(read: Read) -> list[bool]:
            parts = (b'"b":[', b"\0", b"\xff", b"b:")
            return [bool(read.execute(sa.select(has_bytes(there, part))).scalar_one()) for part in parts]

        assert database.submit_read(ask).result() == [True, True, True, False]

    def test_a_row_that_is_there_is_changed_or_stays(self, database: Database) -> None:
        def put(write: Write, rows: list[dict[str, Any]], *update: str) -> None:
            upsert(write, notes, rows, key=["kind", "size"], update=update)

        rows = [{"kind": "k", "size": size, "text": "old"} for size in (3, 1)]
        database.submit_write(partial(put, rows=rows)).result()
        new = [{"kind": "k", "size": size, "text": "new"} for size in (2, 1)]
        database.submit_write(lambda write: put(write, new)).result()
        assert sorted(database.submit_read(_texts).result()) == ["new", "old", "old"]
        database.submit_write(lambda write: put(write, new, "text")).result()
        assert sorted(database.submit_read(_texts).result()) == ["new", "new", "old"]
        database.submit_write(lambda write: put(write, [], "text")).result()

    def test_a_read_sees_one_moment(self, database: Database) -> None:
        started, written = threading.Event(), threading.Event()

        def read_twice(read: Read) -> tuple[list[str], list[str]]:
            before = _texts(read)
            started.set()
            written.wait(10)
            return before, _texts(read)

        reading = database.submit_read(read_twice)
        started.wait(10)
        database.submit_write(lambda write: _add(write, "a")).result()
        written.set()
        assert reading.result() == ([], [])

    def test_prepared_statements_are_part_of_the_transaction(self, database: Database) -> None:
        def fail(write: Write) -> None:
            write.execute(_PREPARED_ADD, [{"text": "half", "size": 1}, {"text": "half", "size": 2}])
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            database.submit_write(fail).result()
        database.submit_write(lambda write: write.execute(_PREPARED_ADD, {"text": "a", "size": 3})).result()
        found = database.submit_read(lambda read: read.execute(_PREPARED, {"least": 0, "most": 9})).result()
        assert [(row.text, row.size) for row in found] == [("a", 3)]

    def test_prepared_statements_treat_values_as_others_do(self, database: Database) -> None:
        rows: list[dict[str, Any]] = [{"text": "a\0\ud800", "size": 1}, {"text": None, "size": -(2**63)}]
        database.submit_write(lambda write: write.execute(_PREPARED_ADD, rows)).result()
        database.submit_write(lambda write: write.execute(_PREPARED_ADD, [])).result()

        def look(read: Read) -> tuple[list[Any], list[Any]]:
            prepared = read.execute(_PREPARED_ONE, {"wanted": "a\0\ud800"}).all()
            return prepared, list(read.execute(_PREPARED_ONE.statement, {"wanted": "a\0\ud800"}))

        prepared, others = database.submit_read(look).result()
        assert prepared == [tuple(row) for row in others]
        assert [(row.text, row.kind, row.size) for row in prepared] == [("a\ufffd\ufffd", None, 1)]

    @pytest.mark.parametrize(("column", "value"), UNSTORABLE)
    def test_prepared_statements_refuse_what_no_column_takes(
        self, database: Database, column: str, value: Any
    ) -> None:
        with pytest.raises(UserErrorException):
            database.submit_write(lambda write: write.execute(_PREPARED_ADD, {column: value})).result()
        assert database.submit_read(_texts).result() == []

    def test_prepared_statements_want_all_their_parameters(self, database: Database) -> None:
        with pytest.raises(TypeError, match="wanted"):
            database.submit_read(lambda read: read.execute(_PREPARED_ONE)).result()

    def test_prepared_statements_may_say_values_themselves_and_return_rows(self, database: Database) -> None:
        def change(write: Write) -> tuple[Any, int]:
            write.execute(_PREPARED_ADD, [{"text": "old", "size": 1}, {"text": "old", "size": 5}])
            found = write.execute(_PREPARED_CHANGE, {"of_size": 1, "new": "new"})
            return found.first().size, found.rowcount

        assert database.submit_write(change).result() == (2, 1)
        assert database.submit_read(_texts).result() == ["new", "old"]

    def test_prepared_statements_fail_as_others_do(self, database: Database) -> None:
        def add_twice(write: Write) -> None:
            with write.apart():
                write.execute(_PREPARED_ADD, {"kind": "k", "size": 1})
            with pytest.raises(sa.exc.IntegrityError), write.apart():
                write.execute(_PREPARED_ADD, {"kind": "k", "size": 1})
            write.execute(_PREPARED_ADD, {"text": "after"})

        database.submit_write(add_twice).result()
        assert database.submit_read(_texts).result() == [None, "after"]
        with pytest.raises(sa.exc.DBAPIError):
            database.submit_read(lambda read: read.execute(_PREPARED_ADD, {"text": "x"})).result()

    def test_a_read_that_begins_with_a_prepared_statement_sees_one_moment(self, database: Database) -> None:
        def look(read: Read) -> tuple[list[Any], list[Any]]:
            before = read.execute(_PREPARED, {"least": 0, "most": 9}).all()
            database.submit_write(
                lambda write: write.execute(_PREPARED_ADD, {"text": "later", "size": 1})
            ).result()
            return before, read.execute(_PREPARED, {"least": 0, "most": 9}).all()

        assert database.submit_read(look).result() == ([], [])
        assert database.submit_read(_texts).result() == ["later"]

    def test_writes_from_many_threads_are_all_kept_once(self, database: Database) -> None:
        def write_some(start: int) -> None:
            for number in range(start, start + 50):
                database.submit_write(partial(_add, text=str(number))).result()

        threads = [threading.Thread(target=write_some, args=(100 * place,)) for place in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        texts = database.submit_read(_texts).result()
        assert sorted(map(int, texts)) == sorted(start + n for start in (0, 100, 200, 300) for n in range(50))
