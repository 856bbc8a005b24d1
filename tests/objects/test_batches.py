"""Many small objects in one request."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faena import Workspace
from faena.kernel import batches, downloads
from faena.kernel.errors import NotFound, UserErrorException


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_what_was_written_is_read(contents: list[bytes]) -> None:
    objects = [(digest_of(data), data) for data in contents]
    assert batches.read(batches.write(objects)) == objects


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=3), st.data())
def test_one_that_breaks_off_is_refused(contents: list[bytes], data: st.DataObject) -> None:
    whole = batches.write((digest_of(each), each) for each in contents)
    ends = [
        len(batches.write((digest_of(each), each) for each in contents[:n])) for n in range(len(contents))
    ]
    cut = data.draw(st.integers(1, len(whole) - 1).filter(lambda at: at not in ends))
    with pytest.raises(UserErrorException, match="breaks off"):
        batches.read(whole[:cut])


def test_a_length_beyond_all_bounds_costs_nothing() -> None:
    with pytest.raises(UserErrorException, match="breaks off"):
        batches.read(bytes(32) + b"\xff" * 8 + b"x")
    with pytest.raises(UserErrorException, match="at most 2,000"):
        batches.read(bytes(40) * (batches.MOST_OBJECTS + 1))


class TestOnTheServer:
    @pytest.fixture
    def workspace(self, common_workspace: Workspace) -> Workspace:
        return common_workspace

    def test_each_is_kept_under_its_digest(self, workspace: Workspace) -> None:
        contents = [b"one", b"", b"two" * 1000, b"one"]
        for _ in range(2):
            workspace.api.send_objects([(digest_of(data), data) for data in contents])
        for data in contents:
            answer = workspace.api.transport.request("GET", f"/objects/{digest_of(data)}")
            assert answer.data == data

    def test_other_bytes_than_promised_are_refused_by_digest(self, workspace: Workspace) -> None:
        promised = digest_of(b"promised")
        with pytest.raises(UserErrorException, match=f"sent as {promised} have another digest"):
            workspace.api.send_objects([(digest_of(b"right"), b"right"), (promised, b"other")])
        with pytest.raises(NotFound):
            workspace.api.transport.request("GET", f"/objects/{promised}")

    @pytest.mark.parametrize("body", [b"x", b"[]", b"\x00" * 39, bytes(32) + b"\xff" * 9])
    def test_what_is_no_batch_is_refused(self, workspace: Workspace, body: bytes) -> None:
        with pytest.raises(UserErrorException, match="breaks off"):
            workspace.api.transport.request("POST", "/objects/batch", body)

    def test_a_body_beyond_the_bound_is_refused(self, workspace: Workspace) -> None:
        with pytest.raises(UserErrorException, match=r"(?i)too large|bytes"):
            workspace.api.transport.request("POST", "/objects/batch", bytes(2 * batches.MOST_BYTES + 1))

    def test_they_are_fetched_into_their_files(self, workspace: Workspace, tmp_path: Path) -> None:
        contents = [b"one", b"two", b"", b"l" * batches.LARGEST]
        for data in contents:
            workspace.api.send_object(digest_of(data), data)
        places = [
            (digest_of(data), len(data), tmp_path / folder / str(at))
            for folder in ("a", "b/c")
            for at, data in enumerate(contents)
        ]
        downloads.fetch(workspace.api.transport, places)
        for folder in ("a", "b/c"):
            assert [(tmp_path / folder / str(at)).read_bytes() for at in range(4)] == contents
            assert len(list((tmp_path / folder).iterdir())) == 4
        absent = "0" * 64
        with pytest.raises(NotFound, match=absent):
            downloads.fetch(workspace.api.transport, [*places[:2], (absent, 3, tmp_path / "absent")])
        assert not (tmp_path / "absent").exists()


def test_as_many_at_a_time_as_one_answer_brings() -> None:
    half = batches.MOST_BYTES // 2
    assert list(batches.of([("a", half), ("b", half), ("c", 1), ("d", 0)])) == [["a", "b"], ["c", "d"]]
    many = [(str(number), 0) for number in range(batches.MOST_OBJECTS + 1)]
    assert [len(asked) for asked in batches.of(many)] == [batches.MOST_OBJECTS, 1]
    assert list(batches.of([])) == []
