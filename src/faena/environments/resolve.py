"""Spec to lock: which interpreter, and which exact versions."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import msgspec

from faena.environments import (
    asked_indexes,
    auto_date,
    bounds,
    by_date,
    catalogue,
    cutoffs,
    failures,
    interpreters,
    pip_options,
    probe,
)
from faena.environments.compiling import compiled
from faena.environments.folders import Log, exclusive, locks, platform_tag, transcribed
from faena.environments.lock_text import Compiled
from faena.environments.model import EnvironmentSpec, Interpreter, Lock
from faena.kernel import dates
from faena.kernel.durable import write_atomically
from faena.kernel.errors import EnvironmentBuildException, UserErrorException


class _Stored(msgspec.Struct, frozen=True):
    plan: str
    """Digest of the `Plan` that was resolved: new pins in the catalogue make the lock stale."""
    lock: Lock
    left: tuple[str, ...] = ()
    """Bounds that it does not keep, as the user asked: new ones in the table make it stale."""


def resolve(spec: EnvironmentSpec, log: Log, *, retry: bool = False) -> Lock:
    """The lock that answers the spec on this machine: the stored one, else a new one, which is stored.

    Packages without a version keep the one that the first lock chose, until the lock file is removed or another Python
    (3.12 instead of 3.11) has to be taken. A failure is remembered (see `failures`); `retry` asks again.
    Raises `EnvironmentBuildException`, `UserErrorException`.
    """
    if (found := _confirmed(spec)) is not None:
        return found
    if spec.interpreter is not None:
        return _as_it_is(spec)
    asked_at = failures.now()
    path = lock_path(spec)
    failed = path.with_suffix(".failed.json")
    failures.recall(failed, asked_at, retry=retry)
    transcript = path.with_suffix(".log")
    with exclusive(path.with_suffix(".lock"), log, transcript) as held:
        if (found := _confirmed(spec)) is not None:
            return found
        failures.recall(failed, asked_at, retry=retry)
        with transcribed(log, transcript) as both:
            try:
                lock = _resolve(spec, both, held)
            except EnvironmentBuildException as error:
                failures.remember(failed, error)
                raise
        _store(spec, lock)
        failures.forget(failed)
        return lock


def lock_path(spec: EnvironmentSpec) -> Path:
    return locks() / f"{spec.digest}-{platform_tag()}.json"


def stored(spec: EnvironmentSpec) -> Lock | None:
    """The stored lock, if its interpreter and the catalogue's pins are still what they were.

    A few file reads, no process. Raises `TrainingException` for a framework or version that is unknown.
    """
    plan = catalogue.plan(spec)
    found = _read(lock_path(spec))
    if found is None or found.plan != plan.digest or found.left != bounds.left(found.lock.requirements):
        return None
    named = found.lock.interpreter
    answer = probe.recall(named.path)
    return found.lock if answer is not None and answer.interpreter(named.path) == named else None


def _confirmed(spec: EnvironmentSpec) -> Lock | None:
    """As `stored`, but asks an interpreter whose answer is not at hand."""
    if (found := _read(lock_path(spec))) is not None:
        probe.ask([found.lock.interpreter.path])
    return stored(spec)


def _read(path: Path) -> _Stored | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Stored)
    except (
        FileNotFoundError,
        msgspec.DecodeError,
        UserErrorException,
    ):  # one of another version is made anew
        return None


def _store(spec: EnvironmentSpec, lock: Lock) -> None:
    found = _Stored(catalogue.plan(spec).digest, lock, bounds.left(lock.requirements))
    write_atomically(lock_path(spec), msgspec.json.encode(found))


def _as_it_is(spec: EnvironmentSpec) -> Lock:
    assert spec.interpreter is not None
    interpreter = interpreters.existing(spec.interpreter)
    lock = Lock(interpreter, platform_tag(), "", (), spec.digest, built=False)
    _store(spec, lock)
    return lock


def _earlier(spec: EnvironmentSpec, interpreter: Interpreter) -> str:
    """The lock that was there, whose versions are kept where they still fit: its interpreter or the pins changed.

    Not one of another Python: its versions may be the last that had wheels for that one, and be built for this one by
    nobody. Pure packages would fit, and keep the others from what is new.
    """
    found = _read(lock_path(spec))
    if found is None or found.lock.interpreter.kind != interpreter.kind:
        return ""
    return found.lock.requirements


def _resolve(spec: EnvironmentSpec, log: Log, held: int) -> Lock:
    plan = catalogue.plan(spec)
    for line in (*plan.warnings, *plan.notes):
        log(line)
    if plan.as_of == dates.AUTO:
        plan = _decided(spec, plan, log, held)
    if plan.as_of:
        return _as_of(spec, plan, log, held)
    interpreter = interpreters.choose(plan.python, log, preferred=plan.preferred)
    log(f"Python: {interpreter.implementation} {interpreter.version} at {interpreter.path}")
    found = Compiled("", ())
    if plan.requirements or spec.archives:
        found = compiled(
            spec,
            plan,
            interpreter,
            log,
            folder=lock_path(spec).with_suffix(".work"),
            earlier=_earlier(spec, interpreter),
            held=held,
        )
    return Lock(
        interpreter=interpreter,
        platform=platform_tag(),
        requirements=found.requirements,
        build_constraints=plan.build_constraints,
        spec_digest=spec.digest,
        index_urls=spec.kept().index_urls,
        pip=pip_options.of_the_lock(spec.pip),
        archives=found.archives,
    )


def _as_of(spec: EnvironmentSpec, plan: catalogue.Plan, log: Log, held: int) -> Lock:
    date = plan.as_of
    log(f"Packages as of {date}")
    chosen = by_date.resolved(spec, plan, date, log, folder=lock_path(spec).with_suffix(".work"), held=held)
    interpreter = chosen.interpreter
    log(f"Python: {interpreter.implementation} {interpreter.version} at {interpreter.path}")
    return Lock(
        interpreter=interpreter,
        platform=platform_tag(),
        requirements=chosen.compiled.requirements,
        build_constraints=(*plan.build_constraints, *cutoffs.build_constraints(date)),
        spec_digest=spec.digest,
        index_urls=spec.kept().index_urls,
        pip=pip_options.of_the_lock(spec.pip),
        archives=chosen.compiled.archives,
        as_of=date,
        undated=spec.undated,
    )


def _decided(spec: EnvironmentSpec, plan: catalogue.Plan, log: Log, held: int) -> catalogue.Plan:
    """As of the date that `auto` means, or without one."""
    folder = lock_path(spec).with_suffix(".work")
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        indexes = asked_indexes.of(spec, log, folder, held)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    today = dt.datetime.now(dt.UTC).date()
    script_date = spec.script_date if spec.as_of == dates.AUTO else ""  # else it is no part of what was asked
    found = auto_date.decided(plan.requirements, script_date, indexes, today)
    log(found.why)
    return catalogue.plan(msgspec.structs.replace(spec, as_of=found.date or dates.TODAY))
