"""A space is written with what people have at hand: ranges, tuples, numpy's numbers and arrays."""

from __future__ import annotations

import itertools
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np
import pytest

from faena import RandomParameterSampling, choice, quniform, randint, uniform
from faena.kernel.errors import UserErrorException
from faena.sweeps.expressions import MOST_OPTIONS


class Name(StrEnum):
    SGD = "sgd"

    def __str__(self) -> str:
        return repr(self)


@pytest.mark.parametrize(
    ("written", "options"),
    [
        (choice(range(3)), [0, 1, 2]),
        (choice(2**each for each in range(3)), [1, 2, 4]),
        (choice((16, 32)), [16, 32]),
        (choice(*np.array([16, 32])), [16, 32]),
        (choice(np.array([16, 32])), [16, 32]),
        (choice(np.logspace(-2, 0, 3)), [0.01, 0.1, 1.0]),
        (choice(np.bool_(True), np.float32(0.5)), [True, 0.5]),
        (choice((1, 2), np.array([3, 4])), [[1, 2], [3, 4]]),
        (choice(Name.SGD, np.str_("adam")), ["sgd", "adam"]),
        (choice(MappingProxyType({"--a": np.int64(1)}), {"--b": (2,)}), [{"--a": 1}, {"--b": [2]}]),
    ],
)
def test_options_are_sent_as_json(written: list[object], options: list[object]) -> None:
    sampling = RandomParameterSampling({"--x": written})
    assert msgspec.json.decode(msgspec.json.encode(sampling.parameter_space)) == {
        "--x": ["choice", [options]]
    }
    assert [type(option) for option in sampling.parameter_space["--x"][1][0]] == [
        type(option) for option in options
    ]


@pytest.mark.parametrize("numbers", [(np.float64(0), np.int64(1), np.float32(0.5))])
def test_so_are_numbers(numbers: Any) -> None:
    zero, one, half = numbers
    sampling = RandomParameterSampling(
        {"a": uniform(zero, one), "b": randint(one), "c": quniform(zero, one, half)}
    )
    assert msgspec.json.encode(sampling.parameter_space)
    assert sampling.space.size is None


@pytest.mark.parametrize("endless", [range(10**9), range(10**30), itertools.count(), np.zeros(10**6)])
def test_more_options_than_can_be_are_refused_at_once(endless: object) -> None:
    with pytest.raises(UserErrorException, match=f"more than {MOST_OPTIONS:,} options"):
        choice(endless)


def test_what_is_no_json_is_refused_with_its_parameter() -> None:
    inner: list[object] = []
    inner.append(inner)
    for option in (object(), {1, 2}, b"a", np.array([np.nan]), inner):
        with pytest.raises(UserErrorException, match="'--x'"):
            RandomParameterSampling({"--x": choice(option, 1)})
