"""Spec to ready interpreter: the known case in a few file reads, else resolve and build."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import msgspec

from faena.environments import asked_indexes, auto_date, build, catalogue, causes, probe
from faena.environments.folders import Log
from faena.environments.model import EnvironmentSpec, Interpreter, Lock
from faena.environments.ready import ready_python
from faena.environments.resolve import resolve, stored
from faena.kernel import settings
from faena.kernel.errors import EnvironmentBuildException


class Prepared(msgspec.Struct, frozen=True):
    lock: Lock
    lock_digest: str
    python: str
    seconds: float
    built: bool
    """Whether it had to be built, here or by another process that was waited for. False: it was there when asked
    for, or the interpreter is used as it is."""


def find_ready(spec: EnvironmentSpec) -> tuple[Lock, Path] | None:
    """The environment that answers the spec, if it is known and ready. Under 10 ms; starts no process."""
    lock = stored(spec)
    python = _ready(lock) if lock is not None else None
    return (lock, python) if lock is not None and python is not None else None


def find_built(lock: Lock) -> Path | None:
    """The interpreter of a lock's environment, if it is ready. As fast as `find_ready`."""
    named = lock.interpreter
    if (
        not lock.built
        and (answer := probe.recall(named.path)) is not None
        and answer.interpreter(named.path) != named
    ):
        return None
    return _ready(lock)


def prepare(
    spec: EnvironmentSpec,
    log: Log,
    *,
    lock: Lock | None = None,
    retry: bool = False,
    from_elsewhere: bool = False,
) -> Prepared:
    """Resolves (unless the lock is given) and builds what is not there. `from_elsewhere`: as of `build.ensure`.

    Raises `EnvironmentBuildException` (also one that is remembered, until `retry`) and `UserErrorException`.
    """
    started = time.monotonic()
    for note in spec.notes:
        log(note)
    if lock is None:
        lock = resolve(spec, log, retry=retry)
    python = _ready(lock)
    known = python is not None
    if python is None:
        try:
            python = build.ensure(
                lock, log, retry=retry, credentials=spec.credentials(), from_elsewhere=from_elsewhere
            )
        except EnvironmentBuildException as error:
            raise _with_date(spec, lock, error) from error
    return Prepared(
        lock, lock.digest, str(python), time.monotonic() - started, built=lock.built and not known
    )


def _with_date(
    spec: EnvironmentSpec, lock: Lock, error: EnvironmentBuildException
) -> EnvironmentBuildException:
    """The error with the date that would do, where an old version has no wheel for a Python of today."""
    if lock.as_of or causes.of_the_index(error.message):
        return error
    import tempfile  # few need it

    with tempfile.TemporaryDirectory(dir=settings.home(), prefix="as-of-") as folder:
        indexes = asked_indexes.of(spec, lambda line: None, Path(folder), 0)
    today = dt.datetime.now(dt.UTC).date()
    suggestion = auto_date.suggestion(catalogue.plan(spec).requirements, indexes, today)
    first, newline, rest = error.message.partition("\n")
    return EnvironmentBuildException(f"{first}{suggestion}{newline}{rest}")


def only_resolve(spec: EnvironmentSpec, log: Log, *, retry: bool = False) -> Prepared:
    """For nodes elsewhere, which build it themselves: no interpreter is named. Raises as `prepare` does."""
    started = time.monotonic()
    for note in spec.notes:
        log(note)
    lock = resolve(spec, log, retry=retry)
    return Prepared(lock, lock.digest, "", time.monotonic() - started, built=False)


def find_lock(spec: EnvironmentSpec) -> Lock | None:
    """For nodes elsewhere: what the spec is resolved to, if that is known. An interpreter that is used as it is is
    there, and not looked for here. Under 10 ms; starts no process.
    """
    if spec.interpreter is None:
        return stored(spec)
    return Lock(Interpreter(spec.interpreter, "", ""), "", "", (), spec.digest, built=False)


def _ready(lock: Lock) -> Path | None:
    if lock.built:
        return ready_python(lock.digest)
    path = lock.interpreter.path
    return Path(path) if probe.recall(path) is not None else None
