"""What a node on another machine keeps of bytes: below a limit, the least recently used go, what runs keeps its own."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from faena.kernel import process_identity
from faena.kernel.errors import UserErrorException
from faena.node.joined.cache import PLACE, SETTING, Cache, limit


def named(number: int) -> str:
    return f"{number:02x}" * 32


def bring(cache: Cache, number: int, size: int = 100) -> Path:
    def write(target: Path) -> None:
        target.write_bytes(b"x" * size)

    return cache.bring(named(number), write)


def there(cache: Cache, *numbers: int) -> list[bool]:
    return [cache._path(named(number)).exists() for number in numbers]


def test_a_file_is_brought_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 1000)
    path = bring(cache, 1)
    assert path.stat().st_mode & 0o777 == 0o444
    assert cache.bring(named(1), lambda target: pytest.fail("it is here")) == path
    assert (cache.find(named(1)), cache.find(named(2))) == (path, None)


def test_the_least_recently_used_go_once_there_is_too_much(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 300)
    for number in (1, 2, 3):
        bring(cache, number)
    cache.begin()
    cache.find(named(1))
    cache.begin()
    bring(cache, 4)
    assert there(cache, 1, 2, 3, 4) == [True, False, True, True]
    assert cache.size == 300


def test_what_the_attempt_that_runs_has_used_stays_even_beyond_the_limit(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 250)
    for number in (1, 2, 3, 4):
        bring(cache, number)
    assert there(cache, 1, 2, 3, 4) == [True] * 4
    cache.begin()
    assert there(cache, 1, 2, 3, 4) == [False, False, True, True]


def test_a_full_disk_leaves_what_runs_needs(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 10_000)
    bring(cache, 1)
    cache.begin()
    bring(cache, 2)
    cache.empty()
    assert there(cache, 1, 2) == [False, True]


def test_where_the_disk_is_full_what_nothing_needs_makes_room_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 10_000)
    bring(cache, 1)
    cache.begin()

    def write(target: Path) -> None:
        if there(cache, 1) == [True]:
            raise UserErrorException("cannot be written") from OSError(errno.ENOSPC, "full")
        target.write_bytes(b"x")

    assert cache.bring(named(2), write).exists()
    with pytest.raises(UserErrorException, match="refused"):
        cache.bring(named(3), refuse)


def refuse(target: Path) -> None:
    raise UserErrorException("refused")


def test_the_next_process_knows_what_is_there_and_sweeps_what_was_being_written(tmp_path: Path) -> None:
    bring(Cache(tmp_path, 1000), 1)
    half = tmp_path / "02" / f".{named(2)}.abcd.part"
    half.parent.mkdir()
    half.write_bytes(b"half")
    cache = Cache(tmp_path, 1000)
    assert cache.find(named(1)) is not None
    assert (cache.size, half.exists()) == (100, False)


def test_files_that_nobody_can_verify_go_when_the_machine_was_started_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Cache(tmp_path, 1000)
    bring(first, 1)
    first.bring(PLACE + named(2), Path.touch)
    assert Cache(tmp_path, 1000).find(PLACE + named(2)) is not None
    monkeypatch.setattr(process_identity, "boot", lambda: "another")
    again = Cache(tmp_path, 1000)
    assert again.find(named(1)) is not None
    assert again.find(PLACE + named(2)) is None


def test_what_somebody_removed_is_brought_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 1000)
    bring(cache, 1).unlink()
    assert cache.find(named(1)) is None
    assert bring(cache, 1).exists()
    assert cache.size == 100


def test_what_is_no_number_of_gigabytes_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "0.5")
    assert limit() == 500_000_000
    monkeypatch.delenv(SETTING)
    assert limit() == 20_000_000_000
    for wrong in ("much", "-1", "nan", "inf"):
        monkeypatch.setenv(SETTING, wrong)
        with pytest.raises(UserErrorException, match=f"{SETTING} is '{wrong}'"):
            limit()
