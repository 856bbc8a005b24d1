"""What is kept of requests and answers: a share, bounded, for the owner alone, whole whatever is killed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from faena.client.endpoints.kept import frame
from faena.endpoints import kept
from faena.scoring import keeping
from faena.scoring.exchange import Answer, Request
from faena.scoring.keeping import Keeping

KEY = b"3f9a-key"


def request(body: bytes = b'{"data": [1]}', route: str = "/score") -> Request:
    headers = [(b"authorization", b"Bearer " + KEY), (b"content-type", b"application/json"), (b"cookie", KEY)]
    made = Request("POST", route, b"", headers, body, "r1", 10.0)
    made.route, made.revision = route, 2
    return made


def answer(body: bytes = b"[7]", status: int = 200) -> Answer:
    return Answer(status, body)


def keep(folder: Path, *found: tuple[Request, Answer], share: float = 1.0) -> None:
    async def run() -> None:
        made = Keeping(folder, share)
        for each in found:
            made.answered(*each, 10.25)
        await made.drain()

    asyncio.run(run())


def test_it_is_read_back_as_it_was(tmp_path: Path) -> None:
    keep(tmp_path, (request(), answer()), (request(b"\xff\x00"), answer(b"oops", 500)))
    first, second = kept.last(tmp_path, 10)
    assert (first.id, first.revision, first.status, first.seconds, first.body, first.answer) == (
        *("r1", 2, 200, 0.25),
        *('{"data": [1]}', "[7]"),
    )
    assert (second.body, second.body_base64, second.answer, second.status) == (None, "/wA=", "oops", 500)
    [path] = (tmp_path / "requests").iterdir()
    assert path.stat().st_mode & 0o077 == path.parent.stat().st_mode & 0o077 == 0
    assert KEY not in path.read_bytes()
    table = frame(kept.last(tmp_path, 10))
    assert list(table["request"]) == [{"data": [1]}, b"\xff\x00"]
    assert list(table["answer"]) == [[7], "oops"]
    assert frame([]).empty


def test_what_asked_no_script_is_not_kept(tmp_path: Path) -> None:
    keep(tmp_path, (request(), answer(status=401)), (request(route="/metrics"), answer()))
    keep(tmp_path, (request(), answer()), share=0.0)
    assert kept.last(tmp_path, 10) == []


def test_a_share_is_a_share(tmp_path: Path) -> None:
    keep(tmp_path, *[(request(), answer())] * 2000, share=0.1)
    assert 100 < len(kept.last(tmp_path, 2000)) < 320


def test_what_was_cut_off_is_left_out(tmp_path: Path) -> None:
    keep(tmp_path, (request(), answer(b"[1]")))
    keep(tmp_path, (request(), answer(b"[2]")), (request(), answer(b"[3]")))
    last = max((tmp_path / "requests").iterdir())
    last.write_bytes(last.read_bytes()[:-9])
    keep(tmp_path, (request(), answer(b"[4]")))
    assert [each.answer for each in kept.last(tmp_path, 10)] == ["[1]", "[2]", "[4]"]
    assert [each.answer for each in kept.last(tmp_path, 2)] == ["[2]", "[4]"]


def test_it_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "SEGMENT", 2000)
    for _ in range(keeping.SEGMENTS + 2):
        keep(tmp_path, *[(request(b"x" * 900), answer())] * 3)
    assert len(list((tmp_path / "requests").iterdir())) == keeping.SEGMENTS
    [big] = kept.last(tmp_path, 1)
    keep(tmp_path, (request(b"y" * (keeping.MOST_BODY + 5)), answer()))
    [big] = kept.last(tmp_path, 1)
    assert (big.body, big.body_bytes) == ("y" * keeping.MOST_BODY, keeping.MOST_BODY + 5)
    monkeypatch.setattr("faena.kernel.disk_space.free", lambda _: 1000)
    keep(tmp_path, (request(b"z"), answer()))
    assert [each.body for each in kept.last(tmp_path, 99) if each.body == "z"] == []


def test_what_the_disk_does_not_take_in_time_is_not_waited_for(tmp_path: Path) -> None:
    body = b"x" * keeping.MOST_BODY
    keep(tmp_path, *[(request(body), answer())] * 100)
    assert 0 < len(kept.last(tmp_path, 100)) < 40
