"""What arrives on the socket of a helper: whole messages, in any pieces, within bounds, or an error."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faena.script.proxies import values
from faena.script.proxies.frames import Broken, Stream, packed
from tests.examples import examples

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=8,
)
KINDS = ["l", "n", "d", "(", "{", "f", "b", "i", "c", "t", "y", "+", "D", "p", "a", "F", "S", "r", "", "zzz"]
SAID = st.recursive(
    JSON,
    lambda inner: st.tuples(st.sampled_from(KINDS), st.lists(inner, max_size=4)).map(lambda x: [x[0], *x[1]]),
)


@contextmanager
def received(data: bytes) -> Iterator[Stream]:
    """A stream on which this arrives, and then its end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        yield Stream(ours)


@settings(max_examples=examples(20), deadline=None)
@given(content=JSON, pieces=st.lists(st.binary(max_size=50), max_size=3), cut=st.integers(0, 300))
def test_a_message_is_whole_or_an_error(content: Any, pieces: list[bytes], cut: int) -> None:
    data = b"".join(map(bytes, packed(content, pieces)))
    with received(data * 2) as stream:
        for _ in range(2):
            assert stream.receive() == (content, pieces)
        with pytest.raises(EOFError):
            stream.receive()
    with received(data[: min(cut, len(data) - 1)]) as stream, pytest.raises((Broken, EOFError)):
        stream.receive()


@settings(max_examples=examples(50), deadline=None)
@given(data=st.binary(max_size=200), text=st.binary(max_size=60), beside=st.integers(0, 2**64 - 1))
def test_anything_else_is_an_error(data: bytes, text: bytes, beside: int) -> None:
    with received(data) as stream, pytest.raises((Broken, EOFError)):
        stream.receive()
    with received(struct.pack(">4sIQ", b"FaP1", len(text), beside) + text) as stream:
        try:
            stream.receive()
        except (Broken, EOFError):
            return
        json.loads(text)


@pytest.mark.parametrize("length", [2**32 - 1, 2**28])
def test_what_is_announced_takes_no_memory_before_it_comes(length: int) -> None:
    with received(struct.pack(">4sIQ", b"FaP1", length, 0) + b"[1]") as stream, pytest.raises(Broken):
        stream.receive()


@pytest.mark.long
@settings(max_examples=examples(40), deadline=None)
@given(said=SAID)
def test_what_stands_for_no_value_is_said(said: Any) -> None:
    with suppress(values.Unreadable):
        values.Decoder({}, [b"12345678"]).decode(said)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.datetimes(),
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=12,
)


@pytest.mark.long
@settings(max_examples=examples(50), deadline=None)
@given(value=PLAIN)
def test_plain_values_survive(value: Any) -> None:
    encoder = values.Encoder(lambda each, _: pytest.fail(repr(each)))
    said = json.loads(json.dumps(encoder.encode(value)))
    assert values.Decoder({}, encoder.pieces).decode(said) == value
