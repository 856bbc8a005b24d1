"""Files behind addresses: fetched once, whole, from where they should come."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.data import downloads, http_download
from faena.kernel.errors import UserErrorException
from tests.data.web import Site, site


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "home"


@pytest.fixture
def web(home: Path) -> Iterator[Site]:
    with site() as made:
        made.pages["/data/a.bin"] = b"bytes" * 1000
        yield made


def test_a_file_is_fetched_once(web: Site) -> None:
    first = downloads.fetch(web.address + "/data/a.bin")
    web.pages["/data/a.bin"] = b"other"
    assert downloads.fetch(web.address + "/data/a.bin") == first
    assert first.name == "a.bin"
    assert first.read_bytes() == b"bytes" * 1000
    assert web.asked == ["/data/a.bin"]


def test_a_failure_names_address_and_status_and_leaves_nothing(web: Site, home: Path) -> None:
    with pytest.raises(UserErrorException, match=rf"{web.address}/gone.*404"):
        downloads.fetch(web.address + "/gone")
    web.pages["/torn"] = b"half"
    with pytest.raises(UserErrorException, match=r"/torn broke off after 4 of 14 bytes"):
        downloads.fetch(web.address + "/torn")
    with pytest.raises(UserErrorException, match=r"http://127.0.0.1:1/x cannot be fetched.*refused"):
        downloads.fetch("http://127.0.0.1:1/x")
    assert [place.name for place in home.rglob("*") if place.is_file() and place.suffix != ".lock"] == []


@pytest.mark.parametrize("page", ["/data/a.bin", "/endless"])
def test_more_than_the_limit_is_refused(web: Site, home: Path, page: str) -> None:
    with pytest.raises(UserErrorException, match=r"more than 1,000 bytes"):
        downloads.fetch(web.address + page, limit=1000)
    assert not list(home.rglob("*.part"))


def test_a_cancel_stops_it(web: Site) -> None:
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    with pytest.raises(Stop):
        downloads.fetch(web.address + "/endless", progress=stop)


class TestRedirects:
    def test_within_the_web_they_are_followed(self, web: Site) -> None:
        found = downloads.fetch(f"{web.address}/away.bin?{web.address}/data/a.bin")
        assert found.read_bytes() == b"bytes" * 1000

    @pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x/"])
    def test_out_of_the_web_they_are_not(self, web: Site, target: str) -> None:
        with pytest.raises(UserErrorException, match=r"leads to|not allowed"):
            downloads.fetch(f"{web.address}/away?{target}")

    @pytest.mark.parametrize(
        "target",
        ["http://127.0.0.1/x", "http://localhost/x", "http://169.254.169.254/x", "http://[::1]/x", "http://2130706433/x",
         "http://10.0.0.1/x", "http://0.0.0.0/x"],
    )  # fmt: skip
    def test_from_a_public_address_to_this_host_or_network_they_are_not(self, target: str) -> None:
        redirects = http_download._CarefulRedirects("http://93.184.216.34/data")
        request = urllib.request.Request("http://93.184.216.34/data")
        with pytest.raises(UserErrorException, match="address of this host or its network"):
            redirects.redirect_request(request, None, 302, "Found", None, target)  # type: ignore[arg-type]  # no answer is needed

    def test_away_from_tls_they_are_not(self) -> None:
        redirects = http_download._CarefulRedirects("https://93.184.216.34/data")
        request = urllib.request.Request("https://93.184.216.34/data")
        with pytest.raises(UserErrorException, match="not https"):
            redirects.redirect_request(request, None, 302, "Found", None, "http://93.184.216.34/data")  # type: ignore[arg-type]  # no answer is needed


@pytest.mark.parametrize(
    "url",
    ["", "x", "file:///etc/passwd", "ftp://x/y", "http://", "http:///etc/passwd", "http://host/a b", "http://host/\n",
     "http://host", "http://host/", "http://host/../x", "http://host/a/../../x", "http://host//x", "http://host:99999/x",
     "http://user:secret@host/x", "http://[::1/x", "http://host/" + "a" * 9000],
)  # fmt: skip
def test_what_is_no_address_of_a_file(url: str, home: Path) -> None:
    with pytest.raises(UserErrorException) as refused:
        downloads.fetch(url)
    assert "secret" not in refused.value.message
    assert not home.exists() or not list(home.iterdir())
