"""Whether a lock can be built on this machine, and of which of its interpreters."""

from __future__ import annotations

from packaging.specifiers import SpecifierSet

from faena.environments import interpreters, probe, python_releases
from faena.environments.folders import Log, platform_tag
from faena.environments.model import Interpreter, Lock
from faena.kernel.errors import EnvironmentBuildException


def named(lock: Lock) -> Interpreter:
    """The lock's own, on the machine where it was made.

    Raises EnvironmentBuildException where the lock is of another platform, or its interpreter is not here.
    """
    if lock.platform != platform_tag():
        raise EnvironmentBuildException(
            f"The lock is for {lock.platform} and this machine is {platform_tag()}. "
            "Resolve the environment again on this machine."
        )
    interpreter = lock.interpreter
    answer = _answer(interpreter.path)
    if answer is None or answer.interpreter(interpreter.path) != interpreter:
        there = f"{answer.implementation} {answer.version}" if answer else "nothing that answers"
        raise EnvironmentBuildException(
            f"The lock names {interpreter.implementation} {interpreter.version} at {interpreter.path}, where there is "
            f"{there}. Put it back there, or resolve the environment again, on a Python of this machine: submit "
            f"without the lock. {python_releases.how_to_have(interpreter.kind[1])}"
        )
    return interpreter


def interpreter_here(lock: Lock, log: Log) -> Interpreter:
    """For a lock that was made on another machine: its own interpreter, else this machine's of the same version.

    Packages are made for a minor version: where the very version is not here, another one of that is taken. Of the C
    library the newest common release counts, which each package tells itself.
    Raises EnvironmentBuildException for another platform, and where no interpreter suits and none can be installed.
    """
    if _system(lock.platform) != _system(platform_tag()):
        raise EnvironmentBuildException(
            f"The lock is for {lock.platform} and this machine is {platform_tag()}. Use nodes of one platform, or "
            "submit from a server of this one."
        )
    asked = lock.interpreter
    answer = _answer(asked.path)
    if answer is not None and answer.interpreter(asked.path) == asked:
        return asked
    if asked.implementation != "CPython":
        raise EnvironmentBuildException(
            f"The lock names {asked.implementation} {asked.version} at {asked.path}, which is not on this machine. "
            "Install it there."
        )
    found = interpreters.find(SpecifierSet(f"=={asked.version}"))
    if found is None:
        found = interpreters.choose(SpecifierSet(f"=={asked.kind[1]}.*"), log)
    log(f"Python {found.version} of this machine: {found.path}")
    return found


def _answer(path: str) -> probe.Answer | None:
    return probe.ask([path]).get(path)


def _system(platform: str) -> tuple[str, str, str]:
    """System, machine, and which C library it is, without its version."""
    system, machine, libc = [*platform.split("-", 2), "", ""][:3]
    return system, machine, libc.rstrip("0123456789.")
