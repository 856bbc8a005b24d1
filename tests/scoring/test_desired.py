"""endpoint.json and status.json: read back as written, and what is wrong in them named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from faena.kernel.errors import WebserviceException
from faena.scoring import desired, status
from faena.scoring.desired import Endpoint, Revision

REVISION: dict[str, Any] = {"id": 1, "python": "/bin/python", "app": "/app", "entry": "score.py"}
LEAST: dict[str, Any] = {"name": "digits", "revisions": [REVISION]}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    made = Endpoint(
        name="digits", keys=["a", "b"], revisions=[Revision(id=3, python="/p", app="/a", models=[("m", "2")])]
    )
    desired.write(tmp_path, made)
    assert desired.read(tmp_path) == made
    assert (tmp_path / desired.FILE).stat().st_mode & 0o777 == 0o600


def test_without_weights_the_newest_gets_all() -> None:
    both = {"name": "digits", "revisions": [REVISION, {**REVISION, "id": 2}]}
    assert desired.parse(msgspec.json.encode(both)).weights == {2: 1.0}
    split = {**both, "traffic": {"1": 90, "2": 10}}
    assert desired.parse(msgspec.json.encode(split)).weights == {1: 90, 2: 10}
    assert desired.parse(msgspec.json.encode({**split, "traffic": {"1": 0, "2": 10}})).weights == {2: 10}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"revisions": []}, "revisions"),
        ({"revisions": [{**REVISION, "workers": 0}]}, "workers"),
        ({"revisions": [REVISION, REVISION]}, "same id"),
        ({"traffic": {"2": 1}}, "'2'"),
        ({"traffic": {"1": 0}}, "above 0"),
        ({"traffic": {"1": -1}}, "traffic"),
        ({"shadow": 7}, "shadow names revision 7"),
        ({"keys": []}, "keys"),
        ({"keys": [""]}, "empty"),
        ({"keys": ["a\nb"]}, "header"),
        ({"port": 70_000}, "port"),
        ({"format": 2}, "format is 2"),
        ({"limits": {"queue": -1}}, "queue"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(WebserviceException, match=named):
        desired.parse(msgspec.json.encode({**LEAST, **wrong}))


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_description_is_refused(data: bytes) -> None:
    with pytest.raises(WebserviceException, match=r"endpoint\.json describes no endpoint"):
        desired.parse(data)


def test_a_damaged_status_is_none(tmp_path: Path) -> None:
    assert status.read(tmp_path) is None
    made = status.Status(
        pid=1, started_at="2026-11-29T10:15:30Z", port=8001, state=status.State.TRANSITIONING
    )
    status.write(tmp_path, made)
    assert status.read(tmp_path) == made
    (tmp_path / status.FILE).write_bytes(b'{"pid": 1')
    assert status.read(tmp_path) is None
