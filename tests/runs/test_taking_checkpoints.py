"""The newest set of files of a checkpoint is kept, whole, and what it replaces goes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from faena.db import Write
from faena.kernel.errors import Conflict, NotFound, UserErrorException
from faena.runs import checkpoint_store
from faena.runs.engine.batches import Rank
from faena.runs.engine.checkpoint_taking import CheckpointFile, CheckpointSet, CheckpointTaken, Taking
from faena.tracking import files as run_files
from faena.tracking.model import StoredFile
from tests.runs.test_ending_attempts import House, in_house

KEY = Rank("one", 1, 0)


def new(path: Path, text: str) -> CheckpointFile:
    path.write_text(text)
    return as_it_is(path)


def as_it_is(path: Path) -> CheckpointFile:
    found = path.stat()
    return CheckpointFile(
        path.name,
        found.st_size,
        found.st_mtime_ns,
        path=str(path),
        inode=found.st_ino,
        changed=found.st_ctime_ns,
    )


def keep_as_output(write: Write, digest: str, now: int) -> None:
    run_files.put_files(write, "one", {"outputs/a": StoredFile(digest, 7)}, now)


async def begin(house: House) -> None:
    await house.queue("one")
    await house.place()


async def take(house: House, *files: CheckpointFile, key: Rank = KEY) -> CheckpointTaken:
    taking = Taking(house.database, house.closing.objects, house.clock)
    return await taking.take(key, CheckpointSet([*files]))


async def kept(house: House, attempt: int = 1) -> dict[str, str]:
    """Contents by name."""
    found = await house.database.read(lambda read: checkpoint_store.of_attempt(read, "one", attempt))
    opened = house.closing.objects.files.open
    return {file.name: opened(file.digest).read().decode() for file in found}


def test_the_newest_set_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await begin(house)
        first = await take(house, new(tmp_path / "a", "a1"), new(tmp_path / "b", "b1"))
        assert await kept(house) == {"a": "a1", "b": "b1"}
        same = as_it_is(tmp_path / "b")
        told = CheckpointFile("b", same.size, same.modified, digest=first.digests["b"])
        await take(house, new(tmp_path / "c", "c1"), told)
        assert await kept(house) == {"b": "b1", "c": "c1"}
        await take(house, told)
        assert await kept(house) == {"b": "b1"}

    in_house(tmp_path, story)


def test_bytes_that_nothing_refers_to_go_at_once_and_others_stay(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await begin(house)
        files = house.closing.objects.files
        digests = []
        for number in range(4):
            taken = await take(house, new(tmp_path / "a", f"state {number}"))
            digests.append(taken.digests["a"])
            if number == 1:
                await house.database.write(partial(keep_as_output, digest=digests[1], now=house.clock.now()))
            if number == 2:
                files.size_to_keep(digests[2])  # somebody is about to refer to it
        assert [files.size(digest) is not None for digest in digests] == [False, True, True, True]

    in_house(tmp_path, story)


def test_what_was_written_meanwhile_is_refused_and_the_one_before_stays(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await begin(house)
        await take(house, new(tmp_path / "a", "whole"), new(tmp_path / "b", "other"))
        seen = new(tmp_path / "a", "whole again")
        (tmp_path / "a").write_text("half")
        (tmp_path / "b").unlink()
        gone = CheckpointFile("b", 5, 1, path=str(tmp_path / "b"), inode=1, changed=1)
        answer = await take(house, seen, gone)
        assert {*answer.refused} == {"a", "b"}
        assert await kept(house) == {"a": "whole", "b": "other"}

    in_house(tmp_path, story)


def test_a_taking_that_is_cut_short_leaves_the_one_before(tmp_path: Path, monkeypatch: Any) -> None:
    async def story(house: House) -> None:
        await begin(house)
        await take(house, new(tmp_path / "a", "first"))

        def fail(*_: Any) -> None:
            raise OSError("the server is killed")

        with monkeypatch.context() as patch:
            patch.setattr("faena.runs.engine.checkpoint_taking.checkpoint_store.replace", fail)
            with pytest.raises(OSError, match="killed"):
                await take(house, new(tmp_path / "a", "second"))
        assert await kept(house) == {"a": "first"}
        await take(house, as_it_is(tmp_path / "a"))
        assert await kept(house) == {"a": "second"}

    in_house(tmp_path, story)


def test_a_digest_whose_bytes_are_not_here_is_refused(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await begin(house)
        with pytest.raises(Conflict, match="not here any more"):
            await take(house, CheckpointFile("a", 1, 1, digest="0" * 64))

    in_house(tmp_path, story)


@pytest.mark.parametrize(
    ("name", "said"), [("../a", "relative"), ("/etc/passwd", "relative"), ("a\nb", "control character")]
)
def test_names_stay_within_the_folder(tmp_path: Path, name: str, said: str) -> None:
    async def story(house: House) -> None:
        await begin(house)
        with pytest.raises(UserErrorException, match=said):
            await take(house, CheckpointFile(name, 1, 1, digest="0" * 64))

    in_house(tmp_path, story)


def test_what_no_attempt_has_is_taken_of_none(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await begin(house)
        with pytest.raises(NotFound):
            await take(house, new(tmp_path / "a", "x"), key=Rank("one", 2, 0))

    in_house(tmp_path, story)


def test_a_run_whose_node_is_lost_goes_on_from_what_was_taken(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await begin(house)
        taken = await take(house, new(tmp_path / "a", "state"))
        lost = {"reason": "node_lost", "message": "The runner died."}
        closed = await house.close(KEY, 0, b"1", outcome=lost, started_at=house.clock.now())
        order = closed.next["order"]
        assert (order["run_id"], order["attempt"]) == ("one", 2)
        [file] = order["checkpoint"]["files"]
        assert (file["path"], file["digest"]) == ("a", taken.digests["a"])
        assert file["modified"] == (tmp_path / "a").stat().st_mtime_ns
        await take(house, new(tmp_path / "a", "late"))  # an old attempt may deliver bytes, never state
        view = await house.run("one")
        assert view.attempt == 2
        assert await kept(house, 2) == {}

    in_house(tmp_path, story)
