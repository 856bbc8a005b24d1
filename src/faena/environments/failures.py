"""What went wrong the last time, so that it is not tried again before somebody asks for it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import msgspec

from faena.kernel import digests
from faena.kernel.clock import Micros, SystemClock
from faena.kernel.durable import write_atomically
from faena.kernel.errors import EnvironmentBuildException

# Things outside the packages: the next asker tries again by itself.
_PASSING = re.compile(
    r"failed to (fetch|download)|error sending request|dns error|timed out|network (is|was|connectivity)|"
    r"no space left|cannot allocate memory|status code 5\d\d|killed by signal|"
    r"returned a 403 forbidden|valid authentication credentials",
    re.IGNORECASE,
)


class Failure(msgspec.Struct, frozen=True):
    message: str
    at: Micros
    """When the attempt ended."""
    passing: bool
    """The cause (network, disk, memory) may be gone without anybody changing the spec."""
    told_by: str = ""
    """`_program()` of whoever tried: another one has other words for it, and may well build it."""


def now() -> Micros:
    return SystemClock().now()


def recall(path: Path, asked_at: Micros, *, retry: bool) -> None:
    """Raises the remembered failure as `EnvironmentBuildException`.

    One that ended after the question was put answers it in any case: all who waited for one attempt
    get its answer. An older one answers unless it was passing, another version of Faena tried, or `retry` asks to try
    again.
    """
    try:
        failure = msgspec.json.decode(path.read_bytes(), type=Failure)
    except (FileNotFoundError, msgspec.DecodeError):
        return
    if failure.at >= asked_at:
        raise EnvironmentBuildException(failure.message)
    if not (retry or failure.passing or failure.told_by != _program()):
        raise EnvironmentBuildException(
            f"{failure.message}\nThis is the remembered answer of an earlier attempt. "
            "Change the packages, or ask to retry if the cause is gone."
        )


def remember(path: Path, error: EnvironmentBuildException) -> None:
    failure = Failure(error.message, now(), bool(_PASSING.search(error.message)), _program())
    write_atomically(path, msgspec.json.encode(failure))


@cache
def _program() -> str:
    """Changes with the code that prepares environments, of which its version tells only at releases."""
    code = sorted(Path(__file__).parent.glob("*.py"))
    return digests.of_value([[each.name, each.read_text(encoding="utf-8")] for each in code])


def forget(path: Path) -> None:
    path.unlink(missing_ok=True)
