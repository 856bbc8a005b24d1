"""The reader of frames alone: broken bytes, cuts, and the array path against the frame-by-frame path."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faena.tracking import spool
from faena.tracking.points import INT, JSON, NO_STEP, Points
from tests.examples import examples
from tests.tracking.frames import end, event, frame, hello, name, number


def read(data: bytes, *, closing: bool = False, names: dict[int, str] | None = None) -> spool.Batch:
    return spool.read(data, names or {}, "7-aa", closing=closing)


def values(points: Points) -> list[float]:
    floats: list[float] = points.bits.view(np.float64).tolist()
    return [
        int(points.bits[place]) if kind == INT else floats[place]
        for place, kind in enumerate(points.kind.tolist())
    ]


def many(count: int, names: int = 1) -> bytes:
    return b"".join(number(float(place), place % names, time=place, step=place) for place in range(count))


class TestWholeFrames:
    def test_numbers_by_name_in_their_order(self) -> None:
        data = hello() + name(0, "loss") + number(0.5, time=10, step=1) + name(1, "n") + number(3, 1, time=11)
        batch = read(data + number(0.25, time=12, step=2))
        assert batch.consumed == len(data) + 40
        assert batch.bad_bytes == 0
        assert batch.defined == {0: "loss", 1: "n"}
        assert values(batch.points["loss"]) == [0.5, 0.25]
        assert batch.points["loss"].time.tolist() == [10, 12]
        assert batch.points["loss"].step.tolist() == [1, 2]
        assert values(batch.points["n"]) == [3]
        assert batch.points["n"].step.tolist() == [NO_STEP]

    @pytest.mark.parametrize("count", [1, 15, 16, 17, 63, 64, 65, 600, 5000])
    def test_arrays_and_single_frames_agree(self, count: int) -> None:
        batch = read(name(0, "a") + name(1, "b") + many(count, 2))
        assert values(batch.points["a"]) == list(range(0, count, 2))
        assert sum(len(points) for points in batch.points.values()) == count

    def test_ints_and_floats_mixed_keep_their_kind(self) -> None:
        logged = [place if place % 3 else place / 2 for place in range(200)]
        batch = read(name(0, "x") + b"".join(number(value) for value in logged))
        found = values(batch.points["x"])
        assert found == logged
        assert [type(value) for value in found] == [type(value) for value in logged]

    def test_hello_end_and_kinds_of_the_future_are_no_metrics(self) -> None:
        batch = read(hello() + frame(200, b"?") + end())
        assert (batch.points, batch.events, batch.bad_bytes) == ({}, [], 0)

    def test_dropped_records_become_a_note(self) -> None:
        (told,) = read(end(12, time=5)).events
        assert (told.op, told.time) == ("note", 5)
        assert "12 records" in told.data["message"]

    def test_tags_and_notes_are_passed_on(self) -> None:
        batch = read(event("tag", time=3, key="k", value="v") + event("note", time=4, code="c", message="m"))
        assert [(told.op, told.time, told.data) for told in batch.events] == [
            ("tag", 3, {"key": "k", "value": "v"}),
            ("note", 4, {"code": "c", "message": "m"}),
        ]


class TestTails:
    @pytest.mark.parametrize("kept", range(1, 40))
    def test_an_incomplete_frame_is_left(self, kept: int) -> None:
        whole = name(0, "x") + number(1.5)
        batch = read(whole + number(2.5)[:kept])
        assert (batch.consumed, batch.bad_bytes) == (len(whole), 0)
        assert values(batch.points["x"]) == [1.5]

    @pytest.mark.parametrize("kept", range(1, 40))
    def test_closing_consumes_it(self, kept: int) -> None:
        whole = name(0, "x") + number(1.5)
        batch = read(whole + number(2.5)[:kept], closing=True)
        assert (batch.consumed, batch.bad_bytes) == (len(whole) + kept, kept)

    def test_closing_finds_whole_frames_behind_a_header_that_claims_too_much(self) -> None:
        liar = struct.pack("<2sBBII", b"\xfa\xe1", 4, 0, 1 << 20, 0)
        batch = read(name(0, "x") + liar + number(2.5), closing=True)
        assert values(batch.points["x"]) == [2.5]
        assert batch.bad_bytes == len(liar)

    def test_a_torn_write_is_not_waited_for_once_a_whole_frame_follows(self) -> None:
        torn = event("list", name="x", values=[1] * 1000)[:200]
        batch = read(name(0, "x") + torn + number(2.5))
        assert values(batch.points["x"]) == [2.5]
        assert batch.bad_bytes == 200


class TestBrokenBytes:
    @pytest.mark.few(20)
    @pytest.mark.parametrize("place", range(40))
    @pytest.mark.parametrize("around", [1, 40])
    def test_any_flipped_byte_costs_that_frame_only(self, place: int, around: int) -> None:
        broken = bytearray(number(99.0))
        broken[place] ^= 0x40
        batch = read(name(0, "x") + many(around) + bytes(broken) + many(around))
        assert values(batch.points["x"]) == [float(value) for value in [*range(around)] * 2]
        assert batch.bad_bytes == 40

    def test_a_page_of_zeros(self) -> None:
        batch = read(name(0, "x") + many(30) + bytes(4096) + many(30))
        assert len(batch.points["x"]) == 60
        assert batch.bad_bytes == 4096

    def test_garbage_to_the_end_is_consumed_but_for_a_possible_start(self) -> None:
        assert read(b"garbage").consumed == 7
        assert read(b"garbage\xfa").consumed == 7
        assert read(b"garbage\xfa\xe1\x02").consumed == 7

    def test_a_length_beyond_all_measure_is_broken_at_once(self) -> None:
        liar = struct.pack("<2sBBII", b"\xfa\xe1", 4, 0, 0xFFFFFFFF, 0)
        batch = read(name(0, "x") + liar)
        assert (batch.bad_bytes, batch.consumed) == (len(liar), len(name(0, "x")) + len(liar))

    @pytest.mark.parametrize(
        "payload",
        [
            b"",
            b"{",
            b"[]",
            b"\xff",
            b"[" * 100_000,
            b'{"op": "list", "t": 1, "name": "x"}',
            b'{"op": "list", "t": 1, "name": "x", "values": 3}',
            b'{"op": "list", "name": "x", "values": []}',
            b'{"op": "list", "t": 1e99, "name": "x", "values": []}',
            b'{"op": "list", "t": true, "name": "x", "values": []}',
            b'{"op": "list", "t": 99999999999999999999, "name": "x", "values": []}',
            b'{"op": "list", "t": 1, "name": 5, "values": []}',
            b'{"op": "row", "t": 1, "name": "x", "columns": []}',
            b'{"op": "table", "t": 1, "name": "x", "columns": {"a": 1}}',
            b'{"op": "scalar", "t": 1, "name": "x", "value": [1]}',
            b'{"op": "scalar", "t": 1, "name": "x", "value": ' + b"9" * 5000 + b"}",
            b'{"op": ["x"], "t": 1, "name": "x"}',
            b'{"op": "tag", "t": 1, "value": "v"}',
            b'{"op": "tag", "t": 1, "key": "k"}',
            b'{"op": "tag", "t": 1, "key": ["k"], "value": "v"}',
            b'{"op": "note", "t": 1, "code": "c"}',
            b'{"op": "note", "t": 1, "message": "m"}',
            b'{"op": "note", "t": 1, "code": {}, "message": "m"}',
        ],
    )
    def test_whole_frames_that_make_no_sense_are_counted(self, payload: bytes) -> None:
        batch = read(name(0, "x") + frame(4, payload) + number(1.0))
        assert batch.bad_bytes == len(frame(4, payload))
        assert set(batch.points) == {"x"}
        assert values(batch.points["x"]) == [1.0]

    def test_a_number_frame_of_another_size(self) -> None:
        batch = read(name(0, "x") + frame(2, bytes(36)) + number(1.0))
        assert batch.bad_bytes == 48
        assert values(batch.points["x"]) == [1.0]


class TestNames:
    def test_names_of_earlier_batches(self) -> None:
        batch = read(number(1.0, 3), names={3: "kept"})
        assert set(batch.points) == {"kept"}
        assert batch.defined == {}

    def test_a_lost_definition_keeps_the_points(self) -> None:
        batch = read(number(1.0, 3) + name(3, "late") + number(2.0, 3))
        assert values(batch.points["unnamed 3 of 7-aa"]) == [1.0]
        assert values(batch.points["late"]) == [2.0]

    def test_a_definition_sent_again(self) -> None:
        batch = read(name(0, "x") + number(1.0) + name(0, "x") + number(2.0))
        assert values(batch.points["x"]) == [1.0, 2.0]

    def test_an_id_that_gets_another_name_holds_from_there_on(self) -> None:
        batch = read(name(0, "x") + many(50) + name(0, "y") + many(50) + name(1, "x") + number(-1.0, 1))
        assert values(batch.points["x"]) == [*range(50), -1.0]
        assert len(batch.points["y"]) == 50
        assert batch.defined == {0: "y", 1: "x"}

    def test_ids_beyond_16_bits(self) -> None:
        batch = read(name(2**32 - 1, "far") + name(0, "near") + number(1.0, 2**32 - 1) + number(2.0))
        assert values(batch.points["far"]) == [1.0]
        assert values(batch.points["near"]) == [2.0]

    def test_events_and_numbers_of_one_name_keep_their_order(self) -> None:
        batch = read(
            name(0, "x")
            + number(1.0)
            + event("scalar", name="x", value="two")
            + number(3)
            + event("list", name="x", values=[4])
        )
        points = batch.points["x"]
        assert points.kind.tolist() == [0, JSON, INT, JSON]
        assert [json.loads(payload)["op"] for payload in points.payloads] == ["scalar", "list"]

    def test_half_a_surrogate_pair_becomes_text_that_a_database_takes(self) -> None:
        lone = b'{"op": "scalar", "t": 1, "name": "a\\ud800\\u0000", "value": "\\udfff"}'
        paired = event("scalar", name="\U0001f600", value="\U0001f600")
        batch = read(frame(4, lone) + paired)
        assert set(batch.points) == {"a?\ufffd", "\U0001f600"}
        for points in batch.points.values():
            json.loads(points.payloads[0])["value"].encode()


def piece() -> st.SearchStrategy[bytes]:
    times = st.integers(0, 50)
    ids = st.integers(0, 3)
    finite = st.floats(allow_nan=False)
    torn = st.builds(lambda whole, keep: whole[: keep % len(whole)], st.builds(number, finite), times)
    return st.one_of(
        st.builds(lambda value, i, t: number(value, i, time=t), finite, ids, times),
        st.builds(lambda value, i, t: number(value, i, time=t), st.integers(-(2**63), 2**63 - 1), ids, times),
        st.builds(name, ids, st.sampled_from(["a", "b", "ü"])),
        st.builds(lambda n, t: event("list", name=n, time=t, values=[1, 2.5]), st.sampled_from("ab"), times),
        st.builds(lambda t: event("tag", time=t, key="k", value="v"), times),
        st.builds(lambda count: many(count, 4), st.integers(0, 100)),
        torn,
        st.binary(max_size=20),
        st.just(b"\xfa\xe1"),
        st.just(b"\xfa"),
    )


@pytest.mark.long
@settings(max_examples=examples(60))
@given(st.lists(piece(), max_size=25), st.data())
def test_cuts_between_batches_change_nothing(pieces: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(pieces)
    whole = read(stream, closing=True)
    names: dict[int, str] = {}
    found: dict[str, list[tuple[int, int, int | bytes]]] = {}
    events, bad, at, stop = [], 0, 0, 0
    while at < len(stream):
        stop = min(len(stream), stop + data.draw(st.integers(1, max(1, len(stream) // 3))))
        batch = read(stream[at:stop], names=names, closing=stop == len(stream))
        names |= batch.defined
        for metric, points in batch.points.items():
            found.setdefault(metric, []).extend(logged(points))
        events += batch.events
        bad += batch.bad_bytes
        at += batch.consumed
    assert bad == whole.bad_bytes
    assert events == whole.events
    assert found == {metric: logged(points) for metric, points in whole.points.items()}


def logged(points: Points) -> list[tuple[int, int, int | bytes]]:
    rows = zip(points.time.tolist(), points.kind.tolist(), points.bits.tolist(), strict=True)
    return [(time, kind, points.payloads[bits] if kind == JSON else bits) for time, kind, bits in rows]
