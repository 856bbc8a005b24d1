"""What a machine keeps of the workspaces that it has joined."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.kernel.errors import WorkspaceException
from faena.node.joined.machine import Machine, check_place

URL = "https://10.0.0.5:7000"
OWN, OTHER = "a" * 64, "b" * 64


def token(fingerprint: str, secret: str = "0123456789abcdef") -> str:
    return f"FAENA1-{fingerprint}-{secret}"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAENA_HOME", str(tmp_path))


def test_a_machine_is_known_again_with_its_own_token() -> None:
    kept = Machine(URL, "shed", "ws-1", token(OWN))
    kept.keep()
    assert Machine.known(URL, "shed") == kept
    assert Machine.known(URL, "shed", token(OWN, "fedcba9876543210")) == kept


def test_another_workspace_at_the_address_of_an_earlier_one_is_joined_anew() -> None:
    Machine(URL, "shed", "ws-1", token(OWN)).keep()
    assert Machine.known(URL, "shed", token(OTHER)) is None
    second = Machine(URL, "shed", "ws-2", token(OTHER))
    second.keep()
    assert Machine.known(URL, "shed", token(OTHER)) == second


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"url": 1}'])
def test_what_cannot_be_read_is_not_known(damaged: str) -> None:
    kept = Machine(URL, "shed", "ws-1", token(OWN))
    kept.keep()
    (kept.folder / "machine.json").write_text(damaged)
    assert Machine.known(URL, "shed") is None


def test_what_it_keeps_is_its_users_alone_whatever_the_state_folder_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAENA_HOME", str(tmp_path))
    tmp_path.chmod(0o755)
    made = Machine("https://10.0.0.5:41873", "shed", "ws-1", f"FAENA1-plain-{'0' * 48}")
    made.keep()
    for folder in (made.folder, made.folder.parent, made.folder.parent.parent):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert made.folder.parent.parent == tmp_path / "nodes"


def test_a_place_where_nothing_can_be_kept_is_told_before_joining(tmp_path: Path) -> None:
    check_place()
    (tmp_path / "nodes").rmdir()
    (tmp_path / "nodes").write_bytes(b"")  # root, too, cannot write there
    with pytest.raises(WorkspaceException, match=r"cannot write in .*nodes"):
        check_place()
