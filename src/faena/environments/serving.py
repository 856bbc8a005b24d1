"""Which environments models can be served in: workers want a newer Python than scripts."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from faena.environments import python_releases, releases
from faena.environments.catalogue import Plan, suits
from faena.environments.model import Lock
from faena.kernel import dates
from faena.kernel.errors import UserErrorException

OLDEST = "3.8"
_SERVES = f">={OLDEST}"


def refuse_plan(plan: Plan) -> None:
    """Raises UserErrorException for what only an older Python can answer, before anything is resolved."""
    if not suits(plan.python, _SERVES):
        raise _too_old(f"Python {plan.python} is asked for")
    if not plan.as_of or plan.python_named:
        return
    old = [each for each in plan.requirements if releases.of_its_time(each) is not None]
    if old:
        raise _too_old(f"{', '.join(old)} exists for Pythons before {OLDEST} alone")
    if plan.as_of != dates.AUTO and not any(
        map(python_releases.is_brought_by_uv, python_releases.minors_of(dates.day_of(plan.as_of)))
    ):
        raise _too_old(f"packages as of {plan.as_of} are for Pythons before {OLDEST}")


def refuse_lock(lock: Lock) -> None:
    """Raises UserErrorException for an environment of an older Python."""
    try:
        version = Version(lock.interpreter.version)
    except InvalidVersion:
        return  # one of another machine that is used as it is
    if version < Version(OLDEST):
        raise _too_old(f"the environment has Python {version}")


def _too_old(why: str) -> UserErrorException:
    return UserErrorException(
        f"Models are served by Python {OLDEST} or newer, and {why}. It can train: serve the model "
        "in an environment of newer packages that read what was saved, or convert it to ONNX where it was trained."
    )
