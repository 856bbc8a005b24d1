"""How a browser is signed in: by a file that it is handed, or by a link that a notebook shows."""

from __future__ import annotations

import html
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from faena.server.gateway import peers
from faena.testing.clock import ManualClock
from faena.workspaces.schemas import GatewayRequest, GatewayView
from tests.server.house import Running, Visitor, running

RUN = "/ui/runs?experiment=a%20b"
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, clock: ManualClock) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("sign-in"), clock) as found:
        yield found


def opened(server: Running, **asked: Any) -> GatewayView:
    return server.do(server.house.gateway.open(server.app, GatewayRequest(**asked)))


def visit(url: str, **headers: str) -> Any:
    parts = urlsplit(url)
    assert parts.port is not None
    return Visitor(parts.port).get(f"{parts.path}?{parts.query}" if parts.query else parts.path, **headers)


def test_a_handed_page_signs_in_once_and_goes(server: Running) -> None:
    way_in = opened(server, page=True)
    page = Path(way_in.page)
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert stat.S_IMODE(page.parent.stat().st_mode) == 0o700
    assert "sign-in?code=" not in page.as_uri()
    goes_to = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.read_text())
    assert goes_to is not None
    assert html.unescape(goes_to[1]) == way_in.url
    # a browser leaves our cookie out where a file or another site sent it, also after a redirection
    signed_in = visit(way_in.url, Sec_Fetch_Site="cross-site", **HTML)
    assert signed_in.status == 200
    assert 'content="0; url=/ui/"' in signed_in.text
    assert not page.exists()
    assert visit(way_in.url.partition("/sign-in")[0] + "/ui/runs", Cookie=signed_in.cookie).status == 200
    assert visit(way_in.url).status == 401


def test_handed_pages_of_an_earlier_door_are_cleared(server: Running) -> None:
    first = Path(opened(server, page=True).page)
    server.do(server.house.gateway.close())
    assert not first.exists()
    left = first.with_name("sign-in-left.html")
    left.write_text("from a server that was killed")
    opened(server)
    assert not left.exists()
    left.write_text("from another one")
    server.house.gateway.sweep()  # as a server does that starts
    assert not left.exists()


def test_a_link_opens_its_page_for_the_servers_own_user(server: Running, clock: ManualClock) -> None:
    link = opened(server, link=True, to=RUN).url
    clock.advance(600)
    for _ in range(2):
        answer = visit(link)
        assert (answer.status, answer.headers["location"]) == (303, RUN)
        assert visit(link.partition("/sign-in")[0] + RUN, Cookie=answer.cookie).status == 200
    assert server.house.gateway.has_links
    assert not server.house.is_idle, "the server waits for who may click it"
    clock.advance(3600)
    assert visit(link).status == 401
    assert not server.house.gateway.has_links


def test_a_link_is_worth_nothing_to_other_users(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    link = opened(server, link=True, to=RUN).url
    another = SimpleNamespace(getuid=lambda: os.getuid() + 1)
    monkeypatch.setattr(peers, "os", another)
    refused = visit(link)
    assert refused.status == 401
    assert "set-cookie" not in refused.headers
    monkeypatch.undo()
    assert visit(link).status == 303
    assert visit(link.replace("link=", "link=x")).status == 401
    assert visit(link.replace("link=", "code=")).status == 401


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example/ui/", "/ui/\r\nX: y", "/ui/ü", "/stop", "/ui/\\", "", "/ui"],
)
def test_a_sign_in_goes_on_to_our_pages_only(server: Running, target: str) -> None:
    answer = visit(opened(server, to=target).url)
    assert (answer.status, answer.headers["location"]) == (303, "/ui/")


def test_who_comes_from_another_site_is_asked_for_the_cookie_again(server: Running) -> None:
    """A notebook at localhost is another site than 127.0.0.1: browsers leave a strict cookie out."""
    stranger = server.stranger()
    again = stranger.get(RUN, Sec_Fetch_Site="cross-site", **HTML)
    assert again.status == 401
    assert f'content="0; url={RUN}"' in again.text
    assert "refresh" not in stranger.get(RUN, Sec_Fetch_Site="same-origin", **HTML).text, "once"
    assert "refresh" not in stranger.get("/runs", Sec_Fetch_Site="cross-site", **HTML).text


def test_the_bare_address_leads_to_the_first_page(server: Running) -> None:
    browser, stranger = server.browser(), server.stranger()
    for verb in ("GET", "HEAD"):
        answer = browser.ask(verb, "/", b"", **HTML)
        assert (answer.status, answer.headers["location"]) == (303, "/ui/")
    assert browser.ask("POST", "/", Origin=f"http://127.0.0.1:{browser.port}").status == 403
    assert stranger.get("/", **HTML).status == 401
    assert 'content="0; url=/"' in stranger.get("/", Sec_Fetch_Site="cross-site", **HTML).text
