"""Lock to interpreter: builds an environment in its final place, exactly once, whole or not at all."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from faena.environments import archives, causes, cutoffs, failures, host, interpreters, leaks, uv_process
from faena.environments.folders import (
    Log,
    boot_id,
    envs,
    exclusive_unless,
    transcribed,
)
from faena.environments.known_metadata import uv_settings
from faena.environments.model import Interpreter, Lock
from faena.environments.ready import LOCK_COPY, READY, Marker, ready_python
from faena.kernel.durable import write_atomically
from faena.kernel.errors import EnvironmentBuildException

HOOK_FILE = "faena-start.pth"
# One line, as site.py demands. Without FAENA_RUN_ID, or with PYTHONPATH ignored, it does nothing. Older Pythons read
# a virtual environment's .pth files twice: what is imported already was installed.
HOOK = (
    "import os, sys; exec('try:\\n import _faena_start\\nexcept ModuleNotFoundError as e:\\n"
    ' if e.name != "_faena_start": raise\\n'
    "else:\\n _faena_start.install()')"
    " if os.environ.get('FAENA_RUN_ID') and '_faena_start' not in sys.modules else None\n"
)


def ensure(
    lock: Lock,
    log: Log,
    *,
    retry: bool = False,
    credentials: Mapping[str, str] | None = None,
    from_elsewhere: bool = False,
) -> Path:
    """The interpreter of the lock's environment, built now if it is not there.

    `from_elsewhere`: the lock was made on another machine, and this one's Python of that version will do.
    One process builds; the others wait for it and see what it says. `credentials` are variables such as
    `EnvironmentSpec.credentials()` gives. Raises `EnvironmentBuildException`: also from memory, until `retry`.
    """
    if not lock.built:
        path = Path(interpreters.existing(lock.interpreter.path).path)
        host.named(lock)
        return path
    digest = lock.digest
    if (python := ready_python(digest)) is not None:
        return python
    asked_at = failures.now()
    folder = envs() / digest
    failed = envs() / f"{digest}.failed.json"
    transcript = envs() / f"{digest}.log"
    while True:
        failures.recall(failed, asked_at, retry=retry)
        with exclusive_unless(
            envs() / f"{digest}.lock", log, transcript, lambda: ready_python(digest) is not None
        ) as held:
            if (python := ready_python(digest)) is not None:
                return python
            if held is None:
                continue  # it was ready, and has been removed
            failures.recall(failed, asked_at, retry=retry)
            with transcribed(log, transcript) as both:
                try:
                    interpreter = host.interpreter_here(lock, both) if from_elsewhere else host.named(lock)
                    _build(lock, interpreter, folder, both, held, credentials or {})
                except EnvironmentBuildException as error:
                    failures.remember(failed, error)
                    raise
                finally:
                    if ready_python(digest) is None:
                        shutil.rmtree(folder, ignore_errors=True)
            failures.forget(failed)
        return folder / "bin" / "python"


def _build(
    lock: Lock,
    interpreter: Interpreter,
    folder: Path,
    log: Log,
    held: int,
    credentials: Mapping[str, str],
) -> None:
    started = time.monotonic()
    try:
        if folder.exists():
            log("Removing what an interrupted build left behind")
            shutil.rmtree(folder)
        _install(lock, interpreter, folder, log, held, credentials)
        _site_packages(folder, interpreter).joinpath(HOOK_FILE).write_text(HOOK)
        write_atomically(folder / LOCK_COPY, msgspec.json.encode(lock))
        marker = Marker(failures.now(), time.monotonic() - started, boot_id())
        write_atomically(folder / READY, msgspec.json.encode(marker))
    except uv_process.UvFailed as error:
        remedy = (
            causes.of_the_index(error.tail)
            or causes.of_a_package(error.tail)
            or "Change the packages or the Python version."
        )
        raise EnvironmentBuildException(
            f"The environment could not be built on Python {lock.interpreter.version}. {remedy}\n{error.tail}"
        ) from error
    except OSError as error:
        raise EnvironmentBuildException(
            f"The environment could not be written to {folder}: {error.strerror or error}."
        ) from error
    log(f"Environment {lock.digest[:12]} is ready after {marker.seconds:.1f} s")


def _install(
    lock: Lock,
    interpreter: Interpreter,
    folder: Path,
    log: Log,
    held: int,
    credentials: Mapping[str, str],
) -> None:
    variables = uv_process.environment(lock.index_urls, credentials, lock.pip)
    log(f"Making it in\n  {folder}")
    venv: list[str | Path] = ["venv", "--quiet", "--no-project", "--python", interpreter.path, folder]
    uv_process.run(venv, log, cwd=envs(), variables=variables, inherit=[held])
    if not lock.requirements and not lock.archives:
        return
    locked, constraints = folder / "locked.txt", folder / "build.txt"
    brought = [
        f"{each.name} @ {archives.verified(each).as_uri()} --hash=sha256:{each.digest}"
        for each in lock.archives
    ]
    locked.write_text("".join(f"{line}\n" for line in brought) + lock.requirements)
    (folder / uv_process.SETTINGS).write_text(uv_settings(lock.requirements))
    log("Installing")
    # The lock is complete, so nothing is resolved a second time; uv checks each hash that it gives.
    install: list[str | Path] = ["pip", "install", "--python", folder / "bin" / "python", "--no-deps"]
    install += uv_process.index_options(lock.pip)
    install += ["--requirements", locked]
    if lock.as_of:
        install += cutoffs.options(lock.as_of, lock.undated)
        # hashes say which of the files in such places are meant
        variables = cutoffs.variables(variables, leaks.of_find_links(variables) if lock.undated else "")
    if lock.build_constraints:
        constraints.write_text("".join(f"{constraint}\n" for constraint in lock.build_constraints))
        install += ["--build-constraints", constraints]
    uv_process.run(install, log, cwd=folder, variables=variables, inherit=[held])


def _site_packages(folder: Path, interpreter: Interpreter) -> Path:
    minor = ".".join(interpreter.version.split(".")[:2])
    return folder / "lib" / f"python{minor}" / "site-packages"
