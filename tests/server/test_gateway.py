"""Nobody without a key gets anything by TCP; what a browser on this host may do is limited to our own page."""

from __future__ import annotations

import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.kernel.errors import Conflict, UserErrorException, WorkspaceException
from faena.testing.clock import ManualClock
from faena.testing.waiting import until
from tests.server.house import Running, Visitor, running

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, clock: ManualClock) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("door"), clock) as found:
        yield found


def paths(server: Running) -> set[str]:
    """An address for each route: of those with parameters, one that could be."""
    return {re.sub(r"\{[^}]*\}", "1", route.path) for route in server.app.routes}


@pytest.mark.long
def test_every_route_and_verb_asks_for_a_key(server: Running) -> None:
    stranger = server.stranger()
    known = paths(server)
    assert {"/runs", "/runs/1/follow", "/ui/static/1/1", "/schema/openapi.json", "/stop"} <= known
    odd = {
        "/",
        "/nowhere",
        "/ui",
        "/ui/",
        "//runs",
        "/runs/../runs",
        "/%2e%2e",
        "/sign-in/",
        "/sign-out",
        "/schema",
    }
    for path in sorted(known | odd):
        for verb in VERBS:
            answer = stranger.ask(verb, path)
            assert answer.status == 401, f"{verb} {path}"
            assert "set-cookie" not in answer.headers
            assert answer.headers["www-authenticate"] == "Bearer"
    for verb in VERBS[1:]:
        assert stranger.ask(verb, "/sign-in?code=x").status == 401
    assert server.house.activity.open == 0, "who is refused does not keep the server from leaving"


def test_a_code_signs_one_browser_in_once(server: Running, clock: ManualClock) -> None:
    port, path = server.sign_in_address()
    stranger = Visitor(port)
    assert stranger.ask("HEAD", path).status == 401, "a look does not spend it"
    signed_in = stranger.get(path)
    assert (signed_in.status, signed_in.headers["location"]) == (303, "/ui/")
    assert re.search(r"; Path=/; HttpOnly; SameSite=Strict$", signed_in.headers["set-cookie"])
    assert stranger.get(path).status == 401
    browser = Visitor(port, {"Cookie": signed_in.cookie})
    assert browser.get("/ui/runs").status == 200
    assert browser.get(path).status == 303, "who is signed in already may follow the link again"
    _, late = server.sign_in_address()
    clock.advance(61)
    assert stranger.get(late).status == 401
    assert browser.get("/ui/runs").status == 200
    kept = repr(vars(server.house.gateway._keys))
    assert signed_in.cookie.partition("=")[2] not in kept, "a session is kept as a digest"


def test_keys_that_are_none(server: Running) -> None:
    name = server.browser().headers["Cookie"].partition("=")[0]
    token = server.client().headers["Authorization"].partition(" ")[2]
    none: list[dict[str, str]] = [
        {"Cookie": "faena_00000000=x"},
        {"Cookie": f"{name}="},
        {"Cookie": f"{name}=x; {name}=y"},
        {"Cookie": "\xff; ;;=,"},
        {"Authorization": "Bearer x"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {token}"},
        {"Authorization": token},
        {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "localhost", "X-Real-IP": "127.0.0.1"},
    ]
    for headers in none:
        assert Visitor(server.stranger().port, headers).get("/runs").status == 401, headers


@pytest.mark.long
def test_the_token_opens_all_but_sign_in_links(server: Running) -> None:
    client = server.client()
    assert client.get("/runs").json["runs"] == []
    assert client.get("/ui/runs").status == 200
    assert client.get("/schema/openapi.json").status == 200
    assert stat.S_IMODE((server.house.folder.path / "token").stat().st_mode) == 0o600
    origin = f"http://127.0.0.1:{client.port}"
    for visitor in (client, server.browser()):
        for path in ("/door", "/door/", "//door"):
            for link in (b"{}", b'{"page":true}', b'{"link":true,"to":"/ui/"}'):
                assert visitor.ask("POST", path, link, Origin=origin).status in (401, 403, 404), path
            assert visitor.ask("DELETE", path, Origin=origin).status in (401, 403, 404), path
    assert client.get("/version").status == 200, "the door is still open"


def test_signing_out_ends_the_session(server: Running) -> None:
    browser, other = server.browser(), server.browser()
    assert browser.ask("POST", "/sign-out", Origin=f"http://127.0.0.1:{browser.port}").status == 200
    assert browser.get("/ui/runs").status == 401
    assert other.get("/ui/runs").status == 200
    server.do(server.house.gateway.close())
    with pytest.raises(ConnectionRefusedError):
        other.get("/ui/runs")
    port, _ = server.sign_in_address()
    assert Visitor(port, other.headers).get("/ui/runs").status == 401, (
        "a door that was closed forgets its sessions"
    )


def test_other_names_of_the_host_are_refused(server: Running) -> None:
    browser = server.browser()
    port = browser.port
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "127.0.0.1",
        f"127.0.0.1:{port + 1}",
        "",
        f"127.0.0.2:{port}",
    ):
        for path in ("/ui/runs", "/sign-in?code=x"):
            assert browser.get(path, Host=host).status == 403, host
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}", f"[::1]:{port}"):
        assert browser.get("/ui/runs", Host=host, X_Forwarded_Host="evil.example").status == 200, host


@pytest.mark.long
def test_other_sites_change_nothing(server: Running) -> None:
    browser, client = server.browser(), server.client()
    ours = f"http://127.0.0.1:{browser.port}"
    for visitor in (browser, client):
        for origin in (
            "http://evil.example",
            "null",
            "http://127.0.0.1:1",
            ours.replace("http", "https"),
            f"{ours}/",
        ):
            for verb in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
                assert visitor.ask(verb, "/clusters/c", b"{}", Origin=origin).status == 403, (verb, origin)
            read = visitor.get("/ui/runs", Origin=origin)
            assert read.status == 200
            assert not any(name.startswith("access-control-") for name in read.headers)
    assert browser.ask("POST", "/sweeps/1/pause").status == 403, "a browser always says where it comes from"
    assert browser.ask("POST", "/sweeps/1/pause", Origin=ours).status == 404
    assert client.get("/experiments").json == client.get("/clusters").json == []
    assert client.ask("PUT", "/clusters/c", b"{}", Origin=ours).status == 200
    assert client.ask("DELETE", "/clusters/c").status == 204


def test_every_answer_tells_browsers_to_be_careful(server: Running) -> None:
    browser, client = server.browser(), server.client()
    for visitor, path in (
        (browser, "/ui/runs"),
        (browser, "/runs"),
        (client, "/runs"),
        (client, "/nowhere"),
        (Visitor(browser.port), "/"),
    ):
        headers = visitor.get(path, Accept="text/html").headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == ("same-origin" if path == "/ui/runs" else "no-referrer")
        assert "server" not in headers


def test_small_answers_wait_for_no_acknowledgement(server: Running) -> None:
    """Else the second part of an answer, its body, is held for up to 40 ms until the first one is acknowledged."""
    with socket.create_connection(("127.0.0.1", server.client().port)):

        async def options() -> list[int]:
            listener = server.house.gateway._server
            assert listener is not None
            transports = [each.transport for each in listener.server_state.connections]
            return [
                each.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                for each in transports
            ]

        assert set(until(lambda: server.do(options()), "it is connected")) == {1}


@pytest.mark.long
def test_ports(server: Running, tmp_path: Path) -> None:
    port, _ = server.sign_in_address()
    assert server.sign_in_address()[0] == port
    with pytest.raises(Conflict, match=f"at port {port} already"):
        server.sign_in_address(port + 1)
    with pytest.raises(UserErrorException, match="1 to 65535"):
        server.sign_in_address(0)
    (tmp_path / "other").mkdir()
    with running(tmp_path / "other") as other, pytest.raises(Conflict, match=f"Port {port} cannot be used"):
        other.sign_in_address(port)


def test_a_token_that_others_can_read_is_refused(server: Running) -> None:
    server.do(server.house.gateway.close())
    token = server.house.folder.path / "token"
    token.write_text("x" * 43)
    token.chmod(0o644)
    with pytest.raises(WorkspaceException, match="Remove it"):
        server.stranger()
    token.unlink()
    assert server.client().get("/version").status == 200
