"""The folder of an endpoint: what is damaged in it is never taken for new."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faena.endpoints.folder import EndpointFolder
from faena.kernel.errors import ServiceException
from faena.scoring import desired
from faena.scoring.desired import Endpoint, Revision

DAMAGED = [b"", b"{", b'{"primary": 1}', b'{"primary": "", "secondary": ""}', b"\xff\x00"]


@pytest.fixture
def folder(tmp_path: Path) -> EndpointFolder:
    made = EndpointFolder(tmp_path / "mnist")
    made.make()
    return made


@pytest.mark.parametrize("data", DAMAGED)
def test_damaged_keys_are_those_that_the_front_knows(data: bytes, folder: EndpointFolder) -> None:
    keys = folder.keys()
    assert folder.keys() == keys
    (folder.path / "keys.json").write_bytes(data)
    with pytest.raises(ServiceException, match="is damaged"):
        folder.keys()
    revision = Revision(id=1, python="/p", app="/a", entry="score.py")
    told = Endpoint(name="mnist", keys=[keys.primary, keys.secondary], revisions=[revision])
    desired.write(folder.path, told)
    assert folder.keys() == folder.keys() == keys
    assert (folder.path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_keys_are_made_once_whoever_asks_for_them_at_the_same_time(tmp_path: Path) -> None:
    for number in range(20):
        folder = EndpointFolder(tmp_path / str(number))
        folder.make()
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda _, it=folder: it.keys(), range(4)))
        assert found == [folder.keys()] * 4


def test_a_description_is_written_again_where_it_is_lost(folder: EndpointFolder) -> None:
    told = Endpoint(name="mnist", revisions=[Revision(id=1, python="/p", app="/a", entry="score.py")])
    assert not desired.holds(folder.path, told)
    desired.write(folder.path, told)
    assert desired.holds(folder.path, told)
    for data in DAMAGED:
        (folder.path / desired.FILE).write_bytes(data)
        assert not desired.holds(folder.path, told)


def test_only_its_owner_may_look_into_it(folder: EndpointFolder) -> None:
    folder.path.chmod(0o755)
    folder.make()
    assert folder.path.stat().st_mode & 0o077 == 0


def test_a_status_that_is_no_file_says_nothing(folder: EndpointFolder) -> None:
    (folder.path / "status.json").mkdir()
    assert folder.status() is None
