"""Spec to lock: which interpreter, and which exact versions."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from faena.environments import catalogue, failures, interpreters, probe, uv_process
from faena.environments.folders import Log, exclusive, locks, platform_tag, transcribed, write_atomically
from faena.environments.model import EnvironmentSpec, Interpreter, Lock
from faena.kernel.errors import EnvironmentBuildException, UserErrorException


def resolve(spec: EnvironmentSpec, log: Log, *, retry: bool = False) -> Lock:
    """The lock that answers the spec on this machine: the stored one, else a new one, which is stored.

    Packages without a version keep the one that the first lock chose, until the lock file is removed. A failure is
    remembered (see `failures`); `retry` asks again. Raises `EnvironmentBuildException`, `UserErrorException`.
    """
    if (found := stored(spec)) is not None:
        return found
    if spec.interpreter is not None:
        return _as_it_is(spec)
    asked_at = failures.now()
    path = lock_path(spec)
    failed = path.with_suffix(".failed.json")
    failures.recall(failed, asked_at, retry=retry)
    transcript = path.with_suffix(".log")
    with exclusive(path.with_suffix(".lock"), log, transcript) as held:
        if (found := stored(spec)) is not None:
            return found
        failures.recall(failed, asked_at, retry=retry)
        with transcribed(log, transcript) as both:
            try:
                lock = _resolve(spec, both, held)
            except EnvironmentBuildException as error:
                failures.remember(failed, error)
                raise
        write_atomically(path, msgspec.json.encode(lock))
        failures.forget(failed)
        return lock


def lock_path(spec: EnvironmentSpec) -> Path:
    return locks() / f"{spec.digest}-{platform_tag()}.json"


def stored(spec: EnvironmentSpec) -> Lock | None:
    """The stored lock, if the interpreter that it names is still what it was. A few file reads, no process."""
    lock = _read(lock_path(spec))
    if lock is None:
        return None
    answer = probe.recall(lock.interpreter.path)
    same = answer is not None and answer.interpreter(lock.interpreter.path) == lock.interpreter
    return lock if same else None


def _read(path: Path) -> Lock | None:
    try:
        return Lock.from_json(path.read_bytes())
    except (FileNotFoundError, UserErrorException):  # one that this version cannot read is made anew
        return None


def _as_it_is(spec: EnvironmentSpec) -> Lock:
    assert spec.interpreter is not None
    interpreter = interpreters.existing(spec.interpreter)
    lock = Lock(interpreter, platform_tag(), "", (), spec.digest, built=False)
    write_atomically(lock_path(spec), msgspec.json.encode(lock))
    return lock


def _resolve(spec: EnvironmentSpec, log: Log, held: int) -> Lock:
    plan = catalogue.plan(spec)
    interpreter = interpreters.choose(plan.python, log, any_suits=plan.any_python)
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
        if earlier is not None:  # its interpreter changed: versions that still fit are kept
            output.write_text(earlier.requirements)
        arguments: list[str | Path] = [
            "pip",
            "compile",
            "--quiet",
            "--no-header",
            "--no-annotate",
            "--generate-hashes",
        ]
        arguments += [
            "--python",
            interpreter.path,
            "--build-constraints",
            constraints,
            "--output-file",
            output,
            wanted,
        ]
        variables = uv_process.environment(spec.index_urls, spec.credentials())
        try:
            uv_process.run(arguments, log, cwd=folder, variables=variables, inherit=[held])
        except uv_process.UvFailed as error:
            raise EnvironmentBuildException(
                f"The packages {', '.join(plan.requirements)} cannot be had together on Python {interpreter.version}. "
                f"Change them or the Python version.\n{error.tail}"
            ) from error
        text = output.read_text()
    count = sum(1 for line in text.splitlines() if line and not line.startswith(" "))
    log(f"Resolved {count} packages in {time.monotonic() - started:.1f} s")
    return text


@contextmanager
def _work_folder(path: Path) -> Iterator[Path]:
    """An empty folder while the lock is held; what a killed process left in it goes first."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
