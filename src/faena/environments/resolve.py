"""Spec to lock: which interpreter, and which exact versions."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from faena.environments import catalogue, failures, interpreters, probe, uv_process
from faena.environments.folders import Log, exclusive, locks, platform_tag, transcribed
from faena.environments.model import EnvironmentSpec, Interpreter, Lock
from faena.kernel.durable import write_atomically
from faena.kernel.errors import EnvironmentBuildException, UserErrorException

# What a user's uv.toml could say otherwise about the form of the output is said here.
_COMPILE = [
    *("pip", "compile", "--quiet", "--generate-hashes", "--no-header", "--no-annotate", "--strip-extras"),
    *("--no-emit-index-url", "--no-emit-find-links", "--no-emit-build-options", "--no-emit-index-annotation"),
]


class _Stored(msgspec.Struct, frozen=True):
    plan: str
    """Digest of the `Plan` that was resolved: new pins in the catalogue make the lock stale."""
    lock: Lock


def resolve(spec: EnvironmentSpec, log: Log, *, retry: bool = False) -> Lock:
    """The lock that answers the spec on this machine: the stored one, else a new one, which is stored.

    Packages without a version keep the one that the first lock chose, until the lock file is removed. A failure
    is remembered (see `failures`); `retry` asks again. Raises `EnvironmentBuildException`, `UserErrorException`.
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
    if found is None or found.plan != plan.digest:
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
    found = _Stored(catalogue.plan(spec).digest, lock)
    write_atomically(lock_path(spec), msgspec.json.encode(found))


def _as_it_is(spec: EnvironmentSpec) -> Lock:
    assert spec.interpreter is not None
    interpreter = interpreters.existing(spec.interpreter)
    lock = Lock(interpreter, platform_tag(), "", (), spec.digest, built=False)
    _store(spec, lock)
    return lock


def _resolve(spec: EnvironmentSpec, log: Log, held: int) -> Lock:
    plan = catalogue.plan(spec)
    for line in (*plan.warnings, *plan.notes):
        log(line)
    interpreter = interpreters.choose(plan.python, log, preferred=plan.preferred)
    log(f"Python: {interpreter.implementation} {interpreter.version} at {interpreter.path}")
    return Lock(
        interpreter=interpreter,
        platform=platform_tag(),
        requirements=_compile(spec, plan, interpreter, log, held) if plan.requirements else "",
        build_constraints=plan.build_constraints,
        spec_digest=spec.digest,
        index_urls=spec.kept().index_urls,
    )


def _compile(
    spec: EnvironmentSpec, plan: catalogue.Plan, interpreter: Interpreter, log: Log, held: int
) -> str:
    log(f"Resolving {', '.join(plan.requirements)}")
    started = time.monotonic()
    with _work_folder(lock_path(spec).with_suffix(".work")) as folder:
        wanted, constraints, output = folder / "wanted.txt", folder / "build.txt", folder / "locked.txt"
        wanted.write_text("".join(f"{requirement}\n" for requirement in plan.requirements))
        constraints.write_text("".join(f"{constraint}\n" for constraint in plan.build_constraints))
        earlier = _read(lock_path(spec))
        if earlier is not None:  # its interpreter or the pins changed: versions that still fit are kept
            output.write_text(earlier.lock.requirements)
        arguments = [*_COMPILE, *uv_process.index_options(), "--python", interpreter.path]
        arguments += ["--build-constraints", str(constraints), "--output-file", str(output), str(wanted)]
        variables = uv_process.environment(spec.index_urls, spec.credentials())
        try:
            uv_process.run(arguments, log, cwd=folder, variables=variables, inherit=[held])
        except uv_process.UvFailed as error:
            raise EnvironmentBuildException(
                f"The packages {', '.join(plan.requirements)} cannot be had together on Python {interpreter.version}. "
                f"{_remedy(plan, error.tail)}\n{error.tail}"
            ) from error
        text = output.read_text()
    count = sum(1 for line in text.splitlines() if line and not line.startswith(" "))
    log(f"Resolved {count} packages in {time.monotonic() - started:.1f} s")
    return text


def _remedy(plan: catalogue.Plan, tail: str) -> str:
    """What to do, read from what uv said."""
    said = " ".join(tail.split())
    lacking = [name for name in plan.guessed if re.search(rf"\b{re.escape(name)} was not found", said)]
    if lacking:
        return (
            f"The package index has no {', '.join(lacking)}, which is what conda calls it. Write what pip installs "
            "for it into pip_packages, or leave it out of conda_packages."
        )
    return "Change them or the Python version."


@contextmanager
def _work_folder(path: Path) -> Iterator[Path]:
    """An empty folder while the lock is held; what a killed process left in it goes first."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
