"""How many examples a test of many gets: few in each run of the tests, more where somebody has the time for them."""

from __future__ import annotations

import os

import pytest
from _pytest.mark.structures import ParameterSet

_TIMES = int(os.environ.get("EXAMPLES_TIMES", "1"))
MANY = _TIMES > 1


def examples(count: int) -> int:
    return count * _TIMES


def long_form(*values: object, id: str | None = None) -> ParameterSet:  # noqa: A002  pytest's word
    """For `parametrize`: values that `make long` tries, beside those that `make test` does."""
    return pytest.param(*values, id=id, marks=pytest.mark.long)
