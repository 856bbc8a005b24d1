"""The contract of `faena.node.home.Home`: inherit and give the fixtures.

`home` is of a node. `keep(data)` has the workspace keep bytes, `keep_snapshot(files)` a snapshot of files by name; each
answers with the digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from faena.attempts.key import AttemptKey
from faena.data import staging
from faena.kernel.errors import FaenaError, NotFound
from faena.node.home import Home, resolved

ABSENT = "0" * 64
KEY = AttemptKey("run", 2, 1)

Keep = Callable[[bytes], str]
KeepSnapshot = Callable[[dict[str, bytes]], str]


class HomeContract:
    def test_bytes_are_found_by_their_digest(self, home: Home, keep: Keep) -> None:
        digest = keep(b"some bytes")
        with home.open_object(digest) as file:
            assert hashlib.sha256(file.read()).hexdigest() == digest

    def test_bytes_that_are_not_there_are_missing(self, home: Home) -> None:
        with pytest.raises(FileNotFoundError):
            home.open_object(ABSENT)

    def test_a_snapshot_is_staged_by_its_digest_any_number_of_times(
        self, home: Home, keep_snapshot: KeepSnapshot, tmp_path: Path
    ) -> None:
        digest = keep_snapshot({"train.py": b"print()", "lib/a.py": b"a = 1"})
        for number in range(3):
            target = tmp_path / str(number)
            staging.materialise(home.files(digest), home.open_object, target, home.verified)
            assert (target / "lib" / "a.py").read_bytes() == b"a = 1"
            (target / "train.py").write_text("a script may change what is its own")

    def test_a_snapshot_that_is_not_there_is_named(self, home: Home) -> None:
        with pytest.raises(NotFound, match=ABSENT):
            home.files(ABSENT)

    def test_an_attempt_has_one_place_of_its_own(self, home: Home) -> None:
        assert home.attempt(KEY) == home.attempt(AttemptKey.of_name(KEY.name))
        assert home.attempt(KEY) != home.attempt(AttemptKey("run", 1, 1))
        assert AttemptKey.of_folder(home.attempt(KEY)) == KEY

    def test_an_interpreter_that_is_used_as_it_is_is_the_one_asked_for(self, home: Home) -> None:
        asked = {"built": False, "lock": ABSENT, "interpreter": "/usr/bin/python3"}
        assert home.interpreter(asked) == "/usr/bin/python3"
        assert home.environment_lock(asked) == ""

    def test_an_environment_that_is_not_on_the_node_is_named(self, home: Home) -> None:
        with pytest.raises(FaenaError, match=ABSENT[:12]):
            home.interpreter({"built": True, "lock": ABSENT, "interpreter": ""})

    def test_a_datastore_that_went_is_told_as_none(self, home: Home) -> None:
        assert home.datastore("nowhere") is None

    def test_a_datastore_has_its_folder(self, home: Home) -> None:
        folder = home.datastore("workspaceblobstore")
        assert folder is not None
        assert folder.is_dir()

    def test_an_order_is_resolved_here(self, home: Home) -> None:
        source = {"datastore": "workspaceblobstore", "path": "mnist"}
        order = {
            "environment": {"built": False, "lock": "", "interpreter": "/usr/bin/python3"},
            "inputs": [{"name": "data", "sources": [source, {"url": "https://example.org/x"}]}],
        }
        found = resolved(order, KEY, home)
        assert found["folder"] == str(home.attempt(KEY))
        assert found["python"] == "/usr/bin/python3"
        there, elsewhere = found["inputs"][0]["sources"]
        assert there == {**source, "folder": str(home.datastore("workspaceblobstore"))}
        assert elsewhere == {"url": "https://example.org/x"}
