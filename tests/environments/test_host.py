"""Whether a lock can be built here: its own machine is exact, another one takes what packages are made for."""

from __future__ import annotations

import sys

import msgspec
import pytest

from faena.environments import host, interpreters
from faena.environments.folders import platform_tag
from faena.environments.model import Interpreter, Lock
from faena.kernel.errors import EnvironmentBuildException

HERE = ".".join(map(str, sys.version_info[:3]))


def lock(version: str = HERE, *, path: str = "/elsewhere/bin/python3", platform: str | None = None) -> Lock:
    interpreter = Interpreter(path, version, "CPython")
    return Lock(interpreter, platform or platform_tag(), "", (), "0" * 64)


def test_a_python_of_the_same_version_is_taken_wherever_it_is() -> None:
    said: list[str] = []
    found = host.interpreter_here(lock(), said.append)
    assert found.version == HERE
    assert found.path in said[0]
    with pytest.raises(EnvironmentBuildException, match="/elsewhere/bin/python3, where there is nothing"):
        host.named(lock())


def test_a_python_that_is_gone_since_the_lock_is_named_with_what_to_do() -> None:
    with pytest.raises(EnvironmentBuildException) as gone:
        host.named(lock("3.7.16"))
    assert "CPython 3.7.16 at /elsewhere/bin/python3, where there is nothing" in gone.value.message
    for way in ("Put it back", "without the lock", "pyenv install 3.7.17", "FAENA_PYTHONS"):
        assert way in gone.value.message


def test_the_very_one_is_taken_where_it_is_here() -> None:
    (mine,) = [each for each in interpreters.seen() if each.version == HERE][:1]
    exact = lock(path=mine.base)
    assert host.interpreter_here(exact, print) == host.named(exact) == exact.interpreter


def test_of_the_same_minor_version_where_the_very_one_is_not_here() -> None:
    minor = ".".join(map(str, sys.version_info[:2]))
    assert host.interpreter_here(lock(f"{minor}.99"), print).version.startswith(f"{minor}.")


def test_another_c_library_of_the_kind_will_do_another_machine_will_not() -> None:
    system, machine, _ = platform_tag().split("-", 2)
    assert host.interpreter_here(lock(platform=f"{system}-{machine}-glibc2.17"), print)
    for other in (f"{system}-{machine}", f"{system}-riscv64-glibc2.36", "darwin-arm64"):
        with pytest.raises(EnvironmentBuildException, match=f"The lock is for {other} and this machine is"):
            host.interpreter_here(lock(platform=other), print)


def test_another_implementation_is_named() -> None:
    pypy = msgspec.structs.replace(lock(), interpreter=Interpreter("/opt/pypy", "3.10.14", "PyPy"))
    with pytest.raises(EnvironmentBuildException, match=r"PyPy 3\.10\.14 at /opt/pypy"):
        host.interpreter_here(pypy, print)
