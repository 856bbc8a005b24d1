from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faena.kernel.errors import ServiceException
from faena.tracking import codec
from faena.tracking.crc import crc32_each
from faena.tracking.points import FLOAT, INT, JSON, NO_STEP, Points, joined


def points(
    bits: list[int], *, kinds: list[int] | None = None, times: list[int] | None = None, step: int = NO_STEP
) -> Points:
    count = len(bits)
    return Points(
        np.array(times or range(count), np.int64),
        np.full(count, step, np.int64),
        np.array(bits, np.int64),
        np.array(kinds or [FLOAT] * count, np.uint8),
    )


def of_floats(values: list[float]) -> Points:
    return points(np.array(values, np.float64).view(np.int64).tolist())


def same(first: Points, second: Points) -> bool:
    return first.payloads == second.payloads and all(
        np.array_equal(getattr(first, column), getattr(second, column))
        and getattr(first, column).dtype == getattr(second, column).dtype
        for column in ("time", "step", "bits", "kind")
    )


any_int64 = st.integers(-(2**63), 2**63 - 1)


@given(st.integers(1, 200), st.lists(any_int64, min_size=3, max_size=3))
def test_every_64_bits_survive(count: int, seeds: list[int]) -> None:
    generator = np.random.default_rng([abs(seed) for seed in seeds])
    whole = generator.integers(-(2**63), 2**63 - 1, (3, count), endpoint=True)
    kinds = generator.integers(0, 2, count).astype(np.uint8)
    made = Points(whole[0], whole[1], whole[2], kinds)
    assert same(codec.decode(codec.encode(made)), made)


@pytest.mark.parametrize("count", [1, 63, 64, 65, 8192])
@pytest.mark.parametrize(
    "value",
    [0.0, -0.0, 1.0, 0.1, 1e-320, 1e300, float("nan"), float("inf"), float("-inf"), 2**53 + 2.0, 0.123456],
)
def test_floats_survive_bit_by_bit(count: int, value: float) -> None:
    made = of_floats([value] * (count - 1) + [1.5])
    assert same(codec.decode(codec.encode(made)), made)


def test_a_signalling_nan_keeps_its_payload() -> None:
    made = points([0x7FF0000000000001] * 70)
    assert same(codec.decode(codec.encode(made)), made)


def test_payloads_stay_with_their_points() -> None:
    parts = [
        Points(
            np.array([1, 2], np.int64),
            np.array([0, 0], np.int64),
            np.array([0, 7], np.int64),
            np.array([JSON, INT], np.uint8),
            (f'{{"n": {place}}}'.encode(),),
        )
        for place in range(100)
    ]
    whole = joined(parts)
    back = codec.decode(codec.encode(whole))
    assert same(back, whole)
    part = back.slice(150, 154)
    assert part.payloads == (b'{"n": 75}', b'{"n": 76}')
    assert part.bits.tolist() == [0, 7, 1, 7]


def test_an_unknown_version_is_refused() -> None:
    data = bytearray(codec.encode(of_floats([1.0])))
    data[0] = 9
    with pytest.raises(ServiceException, match="format 9"):
        codec.decode(bytes(data))


class TestSize:
    """Bytes a point for times in microseconds, a point every 10 ms with jitter."""

    count = 8192

    def size(self, values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        generator = np.random.default_rng(1)
        times = np.cumsum(10_000 + generator.normal(0, 300, self.count).astype(np.int64))
        steps = np.arange(self.count)
        made = Points(times, steps, values.view(np.int64), np.zeros(self.count, np.uint8))
        return len(codec.encode(made)) / self.count

    def test_noisy_doubles(self) -> None:
        assert self.size(np.random.default_rng(0).normal(size=self.count)) <= 9

    def test_noisy_singles(self) -> None:
        single = np.random.default_rng(0).normal(size=self.count).astype(np.float32)
        assert self.size(single.astype(np.float64)) <= 5

    def test_rounded_to_four_digits(self) -> None:
        assert self.size(np.round(np.random.default_rng(0).random(self.count), 4)) <= 4


@given(st.lists(st.binary(min_size=28, max_size=28), min_size=1, max_size=20), st.binary(max_size=12))
def test_crc_of_many_is_that_of_each(rows: list[bytes], before: bytes) -> None:
    table = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, 28)
    found = crc32_each(table, zlib.crc32(before))
    assert found.tolist() == [zlib.crc32(before + row) for row in rows]


def test_crc_over_more_than_a_block() -> None:
    rows = [struct.pack("<7I", *range(place, place + 7)) for place in range(20_000)]
    table = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, 28)
    assert crc32_each(table, 5).tolist() == [zlib.crc32(row, 5) for row in rows]
