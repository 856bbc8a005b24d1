"""Statements of PostgreSQL that are sent without waiting for what became of the ones before.

A transaction of a run's way has a dozen statements, of which half tell nothing: each answer that nobody waits for is a
journey less. What fails is told by the next answer that is waited for, at the latest by that of the commit, and
nothing after it was done.

They go past the driver's cursors, to libpq as the driver has it: values are packed already, and what a statement looks
like is known from its first use. A cursor found that out anew each time, which took longer than the journey.
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from msgspec import Struct
from psycopg import errors, pq
from psycopg.abc import Params, Query
from psycopg.adapt import Transformer

_PASSED_OVER = pq.ExecStatus.PIPELINE_ABORTED
_FAILED = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE, _PASSED_OVER)
_SYNC = pq.ExecStatus.PIPELINE_SYNC
_BINARY = pq.Format.BINARY


class Statement(Struct, frozen=True):
    """A text with `$1`, `$2`, … for its parameters, whose types and formats are known."""

    text: bytes
    types: Sequence[int] = ()
    formats: Sequence[int] = ()


class Answer:
    """What becomes of a statement."""

    __slots__ = ("_pipeline", "result")

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self.result: Any = None
        """The driver's; None: it has not come."""

    def rows(self) -> list[tuple[Any, ...]]:
        """Waits for them. Raises what any statement before this one met."""
        return self._pipeline.rows(self)

    def types(self) -> list[int]:
        """Of its columns, once there are rows."""
        return [self.result.ftype(place) for place in range(self.result.nfields)]

    def changed(self) -> int:
        """Rows that were changed; waits until it is known."""
        self._pipeline.settle()
        return self.result.command_tuples or 0


class _Preparing(Answer):
    """Of a statement that is prepared. `text`: which one."""

    __slots__ = ("text",)

    def __init__(self, pipeline: Pipeline, text: bytes) -> None:
        super().__init__(pipeline)
        self.text = text


class Pipeline:
    """Of one connection, which is used as any other while nothing was sent by it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._driver = connection.pgconn
        self._loading = Transformer(connection.adapters)
        self._number = 0
        self._names: dict[bytes, bytes] = {}
        """Of the statements that are prepared: as many as there are constants."""
        self._coming: deque[Answer] = deque()
        """In the order in which they come."""
        self._is_entered = False
        self.is_open = False
        """Whether statements may be sent by it."""
        self._poll = select.poll()

    @property
    def is_settled(self) -> bool:
        """Whether no statement is left of which it is not known what became of it."""
        return not self._coming

    def send(self, statement: Statement, values: Sequence[bytes | None] = ()) -> Answer:
        """Raises psycopg.Error where the connection is lost."""
        driver = self._driver
        if not self._is_entered:
            driver.enter_pipeline_mode()
            self._is_entered = True
        name = self._names.get(statement.text)
        if name is None:
            self._number += 1
            name = self._names[statement.text] = b"faena_%d" % self._number
            driver.send_prepare(name, statement.text, statement.types)
            self._coming.append(_Preparing(self, statement.text))
        driver.send_query_prepared(name, values, statement.formats, _BINARY)
        answer = Answer(self)
        self._coming.append(answer)
        return answer

    def rows(self, answer: Answer) -> list[tuple[Any, ...]]:
        if answer.result is None:
            self._driver.send_flush_request()
            self._hear()
        if answer.result.status in _FAILED:
            raise _error(answer.result)
        self._loading.set_pgresult(answer.result)
        return self._loading.load_rows(0, answer.result.ntuples, tuple)

    def settle(self) -> None:
        """Wait until it is known what became of all. Raises what one of them met."""
        if self._coming:
            self._synchronize()
            self._hear()

    def _hear(self) -> None:
        try:
            met = self._take()
        except psycopg.Error:
            self._coming.clear()
            raise
        if met is not None:
            self.calm()
            raise met

    def calm(self) -> None:
        """The same, where what they met is of no concern any more. After an error PostgreSQL passes over the rest."""
        if not self._is_entered:
            return
        with suppress(psycopg.Error):  # there may be nobody to be told
            self._synchronize()
            self._take()
        self._coming.clear()

    def leave(self) -> None:
        """So that the connection is as any other. Raises what a statement met that nobody waited for."""
        if not self._is_entered:
            return
        try:
            self.settle()
        finally:
            self._is_entered = False
            if self._driver.status == pq.ConnStatus.OK:
                self._driver.exit_pipeline_mode()

    def _synchronize(self) -> None:
        self._driver.pipeline_sync()
        self._coming.append(Answer(self))

    def _take(self) -> psycopg.Error | None:
        """All that were asked for. The first error that a statement met; raises where nothing comes."""
        driver, met = self._driver, None
        while driver.flush():
            if self._wait(select.POLLIN | select.POLLOUT) & ~select.POLLOUT:
                driver.consume_input()
        while self._coming:
            answer = self._coming.popleft()
            result = answer.result = self._next()
            if result is None:
                raise psycopg.OperationalError(driver.get_error_message())
            if result.status == _SYNC:
                continue
            self._next()  # None: its end
            if result.status in _FAILED:
                if isinstance(answer, _Preparing):
                    self._names.pop(answer.text, None)
                met = met or _error(result)
        return met

    def _next(self) -> Any:
        driver = self._driver
        while driver.is_busy():
            self._wait(select.POLLIN)
            driver.consume_input()
        return driver.get_result()

    def _wait(self, until: int) -> int:
        self._poll.register(self._driver.socket, until)
        return self._poll.poll()[0][1]


_of: WeakKeyDictionary[psycopg.Connection[Any], Pipeline] = WeakKeyDictionary()


class Cursor(psycopg.Cursor[Any]):
    """For SQLAlchemy's own statements, each of which is waited for, as those before it are."""

    def execute(self, query: Any, params: Params | None = None, **options: Any) -> Cursor:
        leave(self.connection)
        super().execute(query, params, **options)
        return self

    def executemany(self, query: Query, params_seq: Iterable[Params], *, returning: bool = False) -> None:
        leave(self.connection)
        super().executemany(query, params_seq, returning=returning)


class ServerCursor(psycopg.ServerCursor[Any]):
    """The same, for rows that are fetched by parts. Nothing else is asked meanwhile."""

    def execute(self, query: Any, params: Params | None = None, **options: Any) -> ServerCursor:
        leave(self.connection)
        super().execute(query, params, **options)
        return self


def begin(connection: psycopg.Connection[Any]) -> None:
    """Let it have one; it must be new."""
    _of[connection] = Pipeline(connection)


def of(connection: Any) -> Pipeline | None:
    """None where it is not within one, as are connections that are not the workspace's."""
    pipeline = _of.get(connection)
    return pipeline if pipeline is not None and pipeline.is_open else None


@contextmanager
def within(connection: Any) -> Iterator[Pipeline]:
    """All answers have come at its end. Raises what a statement met that nobody waited for."""
    pipeline = _of[connection]
    pipeline.is_open = True
    try:
        yield pipeline
        pipeline.leave()
    except BaseException:
        calm(connection)
        raise
    finally:
        pipeline.is_open = False


def leave(connection: Any) -> None:
    """As `Pipeline.leave`; does nothing to connections that are not the workspace's."""
    if (pipeline := _of.get(connection)) is not None:
        pipeline.leave()


def calm(connection: Any) -> None:
    """The same, where what statements met is of no concern any more."""
    pipeline = _of[connection]
    pipeline.calm()
    pipeline.leave()


def _error(result: Any) -> psycopg.Error:
    if result.status == _PASSED_OVER:
        return errors.PipelineAborted("A statement before this one failed.")
    return errors.error_from_result(result)
