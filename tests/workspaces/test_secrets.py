"""Secrets lie encrypted; their key lies elsewhere, and without it nothing is overwritten."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faena.health import folders
from faena.health.finding import State
from faena.health.subject import Subject
from faena.kernel.errors import ServiceException, UserErrorException
from faena.workspaces.secrets import Secrets

VALUE = "correct-horse-battery-staple"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def folder(home: Path, tmp_path: Path) -> Path:
    (path := tmp_path / ".faena").mkdir()
    return path


def found(folder: Path) -> State | None:
    findings = list(folders.check_secrets(Subject(folder)))
    return findings[0].state if findings else None


def test_what_is_set_is_had_again_and_neither_file_shows_it(folder: Path, home: Path) -> None:
    Secrets(folder).put({"DB": VALUE, "ä".encode().hex(): "ü"})
    assert Secrets(folder).get(["DB", "none"]) == {"DB": VALUE, "none": None}
    for path in (folder / "secrets.json", home / "secrets.key"):
        assert VALUE.encode() not in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = (folder / "secrets.json").read_bytes()
    Secrets(folder).put({"DB": VALUE})
    assert (folder / "secrets.json").read_bytes() != before, "each time with a number used once"
    assert found(folder) is State.OK


def test_a_copy_of_the_workspace_gives_no_secret(
    folder: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Secrets(folder).put({"DB": VALUE})
    copy = shutil.copytree(folder, tmp_path / "copy")
    monkeypatch.setenv("FAENA_HOME", str(tmp_path / "elsewhere"))
    kept = (copy / "secrets.json").read_bytes()
    for use in (
        lambda: Secrets(copy).names(),
        lambda: Secrets(copy).get(["DB"]),
        lambda: Secrets(copy).put({"NEW": "1"}),
        lambda: Secrets(copy).delete(["DB"]),
    ):
        with pytest.raises(ServiceException, match=r"is missing: it lay in .*elsewhere.*Nothing was changed"):
            use()
    assert (copy / "secrets.json").read_bytes() == kept
    assert found(copy) is State.PROBLEM
    (tmp_path / "another").mkdir()
    Secrets(tmp_path / "another").put({"OTHER": "1"})
    with pytest.raises(ServiceException, match="is another one"):
        Secrets(copy).names()
    assert found(copy) is State.PROBLEM
    shutil.copy(home / "secrets.key", tmp_path / "elsewhere")
    assert Secrets(copy).get(["DB"]) == {"DB": VALUE}


def test_a_plain_file_is_encrypted_where_it_is_and_its_bytes_are_gone(folder: Path) -> None:
    plain = folder / "secrets.json"
    plain.write_text(json.dumps({"DB": VALUE}))
    assert found(folder) is State.WARNING
    with plain.open("rb") as before:
        assert Secrets(folder).names() == ["DB"]
        assert before.read() == bytes(len(json.dumps({"DB": VALUE})))
    assert VALUE not in plain.read_text()
    assert found(folder) is State.OK
    plain.write_text("{}")
    Secrets(folder).seal()
    assert Secrets(folder).names() == []


def test_what_somebody_linked_keeps_its_bytes(folder: Path, tmp_path: Path) -> None:
    (folder / "secrets.json").write_text(json.dumps({"DB": VALUE}))
    os.link(folder / "secrets.json", tmp_path / "backup")
    Secrets(folder).seal()
    assert json.loads((tmp_path / "backup").read_text()) == {"DB": VALUE}


def test_a_plain_file_stays_where_there_can_be_no_key(folder: Path, home: Path) -> None:
    (folder / "secrets.json").write_text(json.dumps({"DB": VALUE}))
    home.mkdir()
    (home / "secrets.key").write_bytes(b"short")
    with pytest.raises(ServiceException, match="is damaged: the key of the secrets has 32 bytes, this has 5"):
        Secrets(folder).names()
    assert json.loads((folder / "secrets.json").read_text()) == {"DB": VALUE}


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"version": 1}', b'{"a": 1}', b"\xff"])
def test_a_damaged_file_is_told_and_kept(folder: Path, damage: bytes) -> None:
    (folder / "secrets.json").write_bytes(damage)
    with pytest.raises(ServiceException, match="cannot be read, and nothing was changed"):
        Secrets(folder).put({"NEW": "1"})
    assert (folder / "secrets.json").read_bytes() == damage
    assert found(folder) is State.PROBLEM


def test_a_changed_byte_is_noticed(folder: Path) -> None:
    Secrets(folder).put({"DB": VALUE})
    kept = json.loads((folder / "secrets.json").read_text())
    sealed = kept["sealed"]
    kept["sealed"] = ("B" if sealed[0] == "A" else "A") + sealed[1:]
    (folder / "secrets.json").write_text(json.dumps(kept))
    with pytest.raises(ServiceException, match="cannot be read"):
        Secrets(folder).names()


def test_one_key_is_made_however_many_begin_at_once(home: Path, tmp_path: Path) -> None:
    places = [tmp_path / str(number) for number in range(8)]
    for place in places:
        place.mkdir()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda place: Secrets(place).put({"A": "1"}), places))
    assert [Secrets(place).get(["A"]) for place in places] == [{"A": "1"}] * 8


def test_many_who_set_at_once_lose_nothing(folder: Path) -> None:
    (folder / "secrets.json").write_text('{"OLD": "0"}')
    secrets = Secrets(folder)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: secrets.put({f"S{number}": str(number)}), range(20)))
    assert len(secrets.names()) == 21


def test_names_that_cannot_be_are_refused_without_their_value(folder: Path) -> None:
    with pytest.raises(UserErrorException, match="name of a secret") as caught:
        Secrets(folder).put({"a b": "hidden-value"})
    assert "hidden-value" not in caught.value.message


@pytest.mark.long
def test_a_server_that_has_none_loads_no_cryptography() -> None:
    code = "import faena.server.application, sys; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
