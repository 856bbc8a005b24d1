"""Which Python stands for one that is too old to be had, as lists of 2019 named it."""

from __future__ import annotations

from typing import NamedTuple

from packaging.requirements import Requirement

from faena.environments.azureml import Split


class Nearest(NamedTuple):
    minor: str
    reason: str
    """Ends the sentence 'the environment has 3.8, …'."""


_OLDEST = Nearest("3.8", "for which packages of that time were built")
"""There are wheels for it of most versions that ran on the Pythons before."""

_BINDING = ("==", "===", "~=", "<", "<=")


def nearest_to_old(own: Split, framework: str | None, client: str) -> Nearest:
    """Lists for the v1 SDK named the Python of its images, which notebooks shared: where they bind no package to its
    time, the client's Python has all of the SDK's names and reads what the notebook pickled."""
    if not own.has_sdk or framework is not None or any(map(_is_bound, own.rest)):
        return _OLDEST
    return Nearest(client, "which the client runs on, since the list binds no package to its time")


def _is_bound(line: str) -> bool:
    """Whether it keeps later releases out, or names one file."""
    requirement = Requirement(line)
    return requirement.url is not None or any(clause.operator in _BINDING for clause in requirement.specifier)
