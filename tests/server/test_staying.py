"""A browser stays signed in when one server leaves and another comes; nobody else gets in by what is kept for it."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from faena.server.gateway import peers
from faena.server.gateway.sessions import KeptSessions
from faena.testing.clock import ManualClock
from faena.workspaces.model import BROWSERS, create_folder
from tests.server.house import Running, Visitor, running

DAY = 86_400


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@contextmanager
def next_server(parent: Path, clock: ManualClock) -> Iterator[Running]:
    with running(parent, clock) as server:
        server.do(server.house.gateway.open_again(server.app, server.house.do_runs_go_on))
        yield server


def opens(visitor: Visitor) -> bool:
    return visitor.get("/ui/clusters").status == 200


def is_shut(visitor: Visitor) -> bool:
    try:
        visitor.get("/ui/clusters")
    except ConnectionRefusedError:
        return True
    return False


@pytest.fixture
def signed_in(tmp_path: Path, clock: ManualClock) -> Visitor:
    """A browser of a server that has left."""
    with running(tmp_path, clock) as server:
        browser = server.browser()
        assert opens(browser)
    assert is_shut(browser)
    return browser


def kept(parent: Path) -> Path:
    return parent / ".faena" / BROWSERS


def test_the_next_server_is_at_the_same_address_for_the_same_browsers(
    tmp_path: Path, clock: ManualClock, signed_in: Visitor
) -> None:
    assert stat.S_IMODE(kept(tmp_path).stat().st_mode) == 0o600
    secret = signed_in.headers["Cookie"].partition("=")[2]
    assert secret not in kept(tmp_path).read_text()
    clock.advance(29 * DAY)
    with next_server(tmp_path, clock) as server:
        assert opens(signed_in)
        assert Visitor(signed_in.port).get("/ui/clusters").status == 401
        assert server.browser().port == signed_in.port, "another one beside it"
    with next_server(tmp_path, clock):
        assert opens(signed_in)
        clock.advance(2 * DAY)
        assert not opens(signed_in), "after thirty days"


def test_who_signed_out_is_out_and_a_door_that_was_shut_stays_shut(
    tmp_path: Path, clock: ManualClock, signed_in: Visitor
) -> None:
    with next_server(tmp_path, clock) as server:
        another = server.browser()
        ours = f"http://127.0.0.1:{another.port}"
        assert signed_in.ask("POST", "/sign-out", Origin=ours).status == 200
    with next_server(tmp_path, clock) as server:
        assert not opens(signed_in) and opens(another)
        server.do(server.house.gateway.close())
        assert not kept(tmp_path).exists()
    with next_server(tmp_path, clock) as server:
        assert is_shut(another)
        another.port = server.stranger().port  # that of before may have been taken by others meanwhile
        assert not opens(another)


def test_opening_it_anew_signs_nobody_out(tmp_path: Path, clock: ManualClock, signed_in: Visitor) -> None:
    with running(tmp_path, clock) as server:  # asked before it had opened by itself
        assert server.stranger().port == signed_in.port
        server.do(server.house.gateway.open_again(server.app, server.house.do_runs_go_on))
        assert opens(signed_in)


def damaged(parent: Path, damage: str) -> Path:
    """Where the workspace in this folder is from then on."""
    file = kept(parent)
    match damage:
        case "readable by others":
            file.chmod(0o644)
        case "no JSON":
            file.write_text('{"port": 1, "sessions": ')
        case "empty":
            file.write_bytes(b"")
        case "a link":
            file.rename(parent / "elsewhere.json")
            file.symlink_to(parent / "elsewhere.json")
        case "elsewhere":
            shutil.copytree(parent / ".faena", parent / "copy" / ".faena")
            return parent / "copy"
        case "put back":  # as from a copy that was made with the token and all
            shutil.copytree(parent / ".faena", parent / "aside")
            (parent / ".faena").rename(parent / "old")
            (parent / "aside").rename(parent / ".faena")
    return parent


@pytest.mark.parametrize(
    "damage", ["readable by others", "no JSON", "a link", "elsewhere", "put back", "empty"]
)
def test_what_was_not_kept_here_is_not_read(tmp_path: Path, damage: str) -> None:
    folder = create_folder(tmp_path, "test")
    written = KeptSessions(folder.path, folder.id)
    written.write(4321, {}, to_programs=False)
    assert written.read(0) is not None
    parent = damaged(tmp_path, damage)
    assert KeptSessions(parent / ".faena", folder.id).read(0) is None


def test_what_was_not_kept_here_lets_nobody_in(
    tmp_path: Path, clock: ManualClock, signed_in: Visitor
) -> None:
    with next_server(damaged(tmp_path, "put back"), clock) as server:
        assert is_shut(signed_in)
        server.stranger()
        assert not opens(signed_in)


def test_another_user_who_has_the_cookie_does_not_get_in(
    tmp_path: Path, clock: ManualClock, signed_in: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Browsers bring cookies to all ports of a host: who listens at another one is given ours."""
    with next_server(tmp_path, clock) as server:
        assert opens(signed_in)
        client = server.client()
        with monkeypatch.context() as patched:
            patched.setattr(peers, "os", SimpleNamespace(getuid=lambda: os.getuid() + 1))
            assert not opens(signed_in)
            assert opens(client), "the token is not bound to anybody"
            elsewhere = server.browser()  # as through a proxy of another user
            assert opens(elsewhere)
        assert opens(signed_in) and opens(elsewhere)


def test_a_port_that_somebody_has_taken_keeps_no_server_from_starting(
    tmp_path: Path, clock: ManualClock, signed_in: Visitor
) -> None:
    with socket.create_server(("127.0.0.1", signed_in.port)), next_server(tmp_path, clock) as server:
        browser = server.browser()
        assert browser.port != signed_in.port
    with next_server(tmp_path, clock):
        assert opens(browser)
