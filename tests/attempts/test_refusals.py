"""What the server refuses again and again is put aside and kept; everything else is shipped, and the run ends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from faena.attempts import upload
from faena.attempts.api import Shipped
from faena.attempts.folder import AttemptFolder
from faena.attempts.follow import Follower, Segment
from faena.attempts.key import AttemptKey
from faena.attempts.upload import Shipper
from faena.kernel.errors import DatabaseAway, FaenaError, ServiceException, StorageFull

BAD, GOOD, LOG = "spool/1-bad", "spool/2-good", "log/azureml-logs/70_driver_log.txt"


class Server:
    """Refuses each batch with a poisonous word in it, `times` times."""

    def __init__(self, times: int, error: FaenaError) -> None:
        self.times = times
        self.error = error
        self.here: dict[str, bytes] = {}
        self.files: dict[str, bytes] = {}
        self.notes: dict[str, str] = {}
        self.endings: list[dict[str, Any]] = []
        self.cancel = False

    def _take(self, segments: list[Segment]) -> None:
        for part in segments:
            if b"poison" in part.data and self.times:
                self.times -= 1
                raise self.error
        for part in segments:
            assert len(self.here.get(part.stream, b"")) == part.offset
            self.here[part.stream] = self.here.get(part.stream, b"") + part.data

    def ship(self, key: AttemptKey, segments: list[Segment], **_: Any) -> Shipped:
        self._take(segments)
        return Shipped({part.stream: len(self.here[part.stream]) for part in segments}, self.cancel, True)

    def close(
        self, key: AttemptKey, segments: list[Segment], ending: dict[str, Any], node: str
    ) -> dict[str, Any]:
        if any("poison" in note["message"] for note in ending["notes"]):
            raise self.error
        self._take(segments)
        self.endings.append(ending)
        return {}

    def ingest(self, key: AttemptKey, files: Mapping[str, Path], **_: Any) -> dict[str, str]:
        self.files |= {name: path.read_bytes() for name, path in files.items()}
        return {}

    def note(self, key: AttemptKey, code: str, message: str, about: str = "") -> None:
        self.notes[code] = message


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "_AFTER_REFUSAL", 0.001)


@pytest.fixture
def folder(tmp_path: Path) -> AttemptFolder:
    made = AttemptFolder(tmp_path / "run" / "1" / "0")
    made.spool.mkdir(parents=True)
    made.driver_log.write_bytes(b"a line\n")
    (made.spool / "1-bad.spool").write_bytes(b"one poison two")
    (made.spool / "2-good.spool").write_bytes(b"three")
    return made


def shipper(folder: AttemptFolder, server: Server) -> Shipper:
    key = AttemptKey("run", 1, 0)
    return Shipper(server, key, Follower(folder, rank=0, node_count=1))  # type: ignore[arg-type]  # what is used of one


def end(shipper: Shipper, *notes: str) -> None:
    said = [{"code": "n", "message": message, "about": ""} for message in notes]
    shipper.close({"outcome": {"reason": "completed"}, "started_at": None, "notes": said})


REFUSED = ServiceException("KeyError: 'key'")


def test_the_run_ends_as_it_did_and_the_bytes_are_kept_with_it(folder: AttemptFolder) -> None:
    server = Server(10**6, REFUSED)
    end(shipper(folder, server))
    assert [ending["outcome"] for ending in server.endings] == [{"reason": "completed"}]
    assert server.here == {GOOD: b"three", LOG: b"a line\n"}
    assert server.files == {f"refused/{BAD}": b"one poison two"}
    assert "KeyError: 'key'" in server.notes["refused"] and f"refused/{BAD}" in server.notes["refused"]


def test_what_is_taken_after_some_tries_is_not_put_aside(folder: AttemptFolder) -> None:
    server = Server(4, REFUSED)
    end(shipper(folder, server))
    assert server.here == {BAD: b"one poison two", GOOD: b"three", LOG: b"a line\n"}
    assert (server.files, server.notes, len(server.endings)) == ({}, {}, 1)


def test_a_refused_stream_keeps_no_cancel_back(folder: AttemptFolder) -> None:
    server = Server(10**6, REFUSED)
    server.cancel = True
    shipping = shipper(folder, server)
    shipping.flush()
    assert shipping.cancel_requested.is_set()
    assert server.here[LOG] == b"a line\n"


def test_the_end_is_told_also_where_what_is_to_be_said_of_it_is_refused(folder: AttemptFolder) -> None:
    (folder.spool / "1-bad.spool").write_bytes(b"good")
    server = Server(10**6, REFUSED)
    end(shipper(folder, server), "poison")
    assert [ending["outcome"] for ending in server.endings] == [{"reason": "completed"}]
    assert server.here[BAD] == b"good"


@pytest.mark.parametrize("kind", [StorageFull, DatabaseAway])
def test_a_full_disk_and_a_database_that_is_away_are_no_refusals(
    folder: AttemptFolder, kind: type[FaenaError]
) -> None:
    server = Server(1, kind("told"))
    with pytest.raises(kind):
        end(shipper(folder, server))
    assert not server.files
    end(shipper(folder, server))
    assert server.here[BAD] == b"one poison two"
