"""TensorBoard's event files in `./logs` become metrics; what is damaged or foreign in them harms nothing."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboardX.proto.tensor_pb2 import TensorProto
from tensorboardX.proto.tensor_shape_pb2 import TensorShapeProto

from faena.attempts.event_files import conversion
from faena.attempts.event_files.scalars import scalars
from faena.attempts.event_files.tfrecord import framed, masked_crc
from faena.attempts.event_files.watching import EventFiles
from faena.attempts.folder import AttemptFolder, write_record
from faena.kernel.protobuf import Malformed
from tests.examples import examples
from tests.script.spool_reader import read_folder

START = 1_700_000_000_000_000
NAME = "events.out.tfevents.1700000000.host"


@pytest.fixture
def attempt(tmp_path: Path) -> AttemptFolder:
    (tmp_path / "code/logs").mkdir(parents=True)
    (tmp_path / "spool").mkdir()
    write_record(tmp_path, "start", {"at": START})
    return AttemptFolder(tmp_path)


def event(*values: Any, step: int = 0, at: float = 1_700_000_000.5) -> bytes:
    made: bytes = Event(wall_time=at, step=step, summary=Summary(value=values)).SerializeToString()
    return made


def simple(tag: str, value: float) -> Any:
    return Summary.Value(tag=tag, simple_value=value)


def write(attempt: AttemptFolder, *records: bytes, name: str = NAME, end: bytes = b"") -> Path:
    path = attempt.code / "logs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(map(framed, records)) + end)
    return path


def points(attempt: AttemptFolder) -> dict[str, list[tuple[float, int | None]]]:
    return dict(read_folder(attempt.spool).points)


def converted(attempt: AttemptFolder, order: Any = None) -> str:
    return EventFiles(order or {}, attempt).finish()


def test_the_checksum_is_the_one_of_the_standard() -> None:
    crc = (masked_crc(b"123456789") - 0xA282EAD8) & 0xFFFFFFFF
    assert (crc >> 17 | crc << 15) & 0xFFFFFFFF == 0xE3069283, "CRC-32C's own check value"


def test_numbers_keep_step_and_time_and_folders_are_part_of_the_name(attempt: AttemptFolder) -> None:
    version = Event(wall_time=1.0, file_version="brain.Event:2").SerializeToString()
    write(attempt, version, event(simple("loss", 0.5), simple("accuracy", 0.25), step=3))
    write(attempt, event(simple("loss", 2.0), step=-1), name=f"validation/{NAME}")
    assert converted(attempt) == ""
    assert points(attempt) == {"loss": [(0.5, 3)], "accuracy": [(0.25, 3)], "validation/loss": [(2.0, -1)]}
    assert set(read_folder(attempt.spool).times) == {1_700_000_000_500_000}


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        ({"dtype": 1, "float_val": [0.5]}, 0.5),
        ({"dtype": 1, "float_val": [0.5], "tensor_shape": TensorShapeProto(dim=[{"size": 1}])}, 0.5),
        ({"dtype": 2, "double_val": [0.1]}, 0.1),
        ({"dtype": 3, "int_val": [-7]}, -7),
        ({"dtype": 9, "int64_val": [2**40]}, 2**40),
        ({"dtype": 19, "half_val": [0x3800]}, 0.5),
        ({"dtype": 14, "half_val": [0x3F00]}, 0.5),
        ({"dtype": 1, "tensor_content": struct.pack("<f", 0.5)}, 0.5),
        ({"dtype": 9, "tensor_content": struct.pack("<q", -3)}, -3),
        ({"dtype": 14, "tensor_content": b"\x00\x3f"}, 0.5),
        ({"dtype": 1, "float_val": [0.5, 0.6]}, None),
        ({"dtype": 1, "tensor_content": bytes(8)}, None),
        ({"dtype": 1, "float_val": [0.5], "tensor_shape": TensorShapeProto(dim=[{"size": 3}])}, None),
        ({"dtype": 7, "string_val": [b"text"]}, None),
        ({"dtype": 1}, None),
    ],
)
def test_a_tensor_is_a_metric_where_it_is_one_number(tensor: dict[str, Any], expected: float | None) -> None:
    found = [each.value for each in scalars(event(Summary.Value(tag="t", tensor=TensorProto(**tensor))))]
    assert found == ([] if expected is None else [pytest.approx(expected)])


def test_what_belongs_to_other_plugins_is_no_metric() -> None:
    def of_plugin(name: str) -> Any:
        data = SummaryMetadata(plugin_data={"plugin_name": name})
        return Summary.Value(tag=name, metadata=data, tensor=TensorProto(dtype=1, float_val=[1.0]))

    image = Summary.Value(tag="image", image=Summary.Image(height=1, width=1, encoded_image_string=b"png"))
    found = scalars(event(of_plugin("scalars"), of_plugin("hparams"), of_plugin("text"), image))
    assert [each.tag for each in found] == ["scalars"]


def test_a_record_that_is_not_whole_is_waited_for(attempt: AttemptFolder) -> None:
    whole = framed(event(simple("loss", 1.0)))
    path = write(attempt, end=whole[:-3])
    files = EventFiles({}, attempt)
    assert (files.finish(), points(attempt)) == ("", {})
    path.write_bytes(whole)
    assert (files.finish(), points(attempt)) == ("", {"loss": [(1.0, 0)]})


def test_whoever_goes_on_writes_what_is_missing_and_nothing_twice(attempt: AttemptFolder) -> None:
    write(
        attempt, *(event(simple("loss", 0.5), simple(f"m{step % 3}", 1.0), step=step) for step in range(50))
    )
    converted(attempt)
    (spool,) = attempt.spool.iterdir()
    whole = spool.read_bytes()
    for size in (0, 1, 100, len(whole) - 1, len(whole)):
        spool.write_bytes(whole[:size])
        converted(attempt)
        assert spool.read_bytes() == whole


def test_a_damaged_record_is_left_out_and_a_damaged_length_ends_the_file(attempt: AttemptFolder) -> None:
    first, second, third = (framed(event(simple("loss", value))) for value in (1.0, 2.0, 3.0))
    broken = second[:-6] + bytes([second[-6] ^ 1]) + second[-5:]
    path = write(attempt, end=first + broken + third)
    assert f"logs/{NAME}: the record at byte {len(first)} is damaged" in converted(attempt)
    assert points(attempt)["loss"] == [(1.0, 0), (3.0, 0)]
    path.with_name("x.tfevents.y").write_bytes(first + b"\xff" * 30)
    assert "there is no record at byte" in converted(attempt)


def test_foreign_files_links_and_pipes_are_passed_over(attempt: AttemptFolder, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere"
    secret.write_bytes(framed(event(simple("secret", 1.0))))
    logs = attempt.code / "logs"
    (logs / NAME).symlink_to(secret)
    os.mkfifo(logs / f"pipe.{NAME}")
    (logs / f"text.{NAME}").write_text("no event file" * 100)
    assert "there is no record at byte 0" in converted(attempt)
    assert points(attempt) == {}


def test_it_can_be_turned_off(attempt: AttemptFolder) -> None:
    write(attempt, event(simple("loss", 1.0)))
    converted(attempt, {"environment_variables": {"FAENA_EVENT_FILES": "off"}})
    assert points(attempt) == {}


def test_bad_tags_and_too_many_are_left_out(attempt: AttemptFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "_MOST_NAMES", 2)
    write(attempt, event(*(simple(tag, 1.0) for tag in ("a\nb", "x" * 300, "a", "b", "c"))))
    assert "a tag was left out" in converted(attempt)
    assert sorted(points(attempt)) == ["a", "b"]


def test_a_record_of_any_length_is_passed_over_without_being_read(attempt: AttemptFolder) -> None:
    path = write(attempt, event(simple("loss", 1.0)))
    length = (3 << 30).to_bytes(8, "little")
    with path.open("ab") as file:
        file.write(length + masked_crc(length).to_bytes(4, "little"))
        file.truncate(file.tell() + (3 << 30) + 4)  # a hole: it takes no room
        file.seek(0, os.SEEK_END)
        file.write(framed(event(simple("loss", 2.0))))
    assert converted(attempt) == ""
    assert points(attempt)["loss"] == [(1.0, 0), (2.0, 0)]


@pytest.mark.long
@settings(max_examples=examples(100))
@given(st.binary(max_size=200), st.integers(0, 200), st.binary(min_size=1, max_size=4))
def test_bytes_that_are_no_event_are_refused_or_give_numbers(noise: bytes, at: int, put: bytes) -> None:
    good = event(simple("loss", 1.0), Summary.Value(tag="t", tensor=TensorProto(dtype=1, float_val=[1.0])))
    for data in (noise, good[:at] + put + good[at + len(put) :]):
        try:
            assert all(type(each.tag) is str for each in scalars(data))
        except Malformed:
            continue


def test_files_that_came_with_the_script_are_of_earlier_runs(attempt: AttemptFolder) -> None:
    old = write(attempt, event(simple("loss", 9.0)), name=f"old/{NAME}")
    os.utime(old, (START / 1e6 - 1, START / 1e6 - 1))
    write(attempt, event(simple("loss", 1.0)))
    assert converted(attempt) == ""
    assert points(attempt) == {"loss": [(1.0, 0)]}


def test_of_files_beside_a_runs_outputs_what_was_logged_since_is_its(attempt: AttemptFolder) -> None:
    old = write(attempt, event(simple("loss", 9.0)), name=f"old/{NAME}")
    os.utime(old, (1_700_000_000, 1_700_000_000))
    write(attempt, event(simple("loss", 1.0)), event(simple("loss", 2.0), at=1_700_000_100))
    since = 1_700_000_050_000_000
    order = {"outputs": str(attempt.code / "outputs"), "events_since": since}
    files = EventFiles(order, attempt)
    assert files.finish() == ""
    assert points(attempt) == {"loss": [(2.0, 0)]}
    assert files.names == [f"logs/{NAME}"]
    for off in ({**order, "events_since": 0}, {**order, "outputs": ""}, {"outputs": order["outputs"]}):
        assert EventFiles(off, attempt).finish() == ""
    assert len(list(attempt.spool.iterdir())) == 1
