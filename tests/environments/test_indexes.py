"""The user's indexes are asked, and their passwords end up nowhere."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from faena.environments import uv_process
from faena.environments.model import EnvironmentSpec, IndexUrl
from faena.environments.prepare import prepare
from faena.kernel.errors import EnvironmentBuildException
from tests.files import holding

from .builders import Builder
from .packages import make_wheel

SECRET = "s3cr3t-word"
AUTHORIZED = "Basic " + base64.b64encode(f"reader:{SECRET}".encode()).decode()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """`host:port` of an index on this machine that holds the package `thing` and demands a password."""
    wheel = make_wheel(tmp_path / "served", "thing")

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers["Authorization"] != AUTHORIZED:
                self._answer(401, b"", "text/plain")
            elif self.path == "/simple/thing/":
                self._answer(200, f'<a href="/files/{wheel.name}">{wheel.name}</a>'.encode(), "text/html")
            elif self.path == f"/files/{wheel.name}":
                self._answer(200, wheel.read_bytes(), "application/zip")
            else:
                self._answer(404, b"", "text/plain")

        def do_HEAD(self) -> None:
            self.do_GET()

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="packages"')
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            """Nobody reads it."""

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_specs_index_is_asked_and_its_password_kept_nowhere(index: str, tmp_path: Path, home: Path) -> None:
    given = IndexUrl(f"http://reader:{SECRET}@{index}/simple", "mine")
    builder = Builder(tmp_path / "one", EnvironmentSpec(packages=("thing",), index_urls=(given,)))
    assert builder.wait() == 0
    lock = builder.result()["lock"]
    assert lock["index_urls"] == [{"url": f"http://{index}/simple", "name": "mine", "default": False}]
    (tmp_path / "one" / "spec.json").unlink()  # the asker's own
    assert holding(SECRET, home, tmp_path / "one") == []


def test_a_refused_password_is_not_shown(index: str, tmp_path: Path, home: Path) -> None:
    given = IndexUrl(f"http://reader:wrong-{SECRET}@{index}/simple")
    builder = Builder(tmp_path / "one", EnvironmentSpec(packages=("thing",), index_urls=(given,)))
    assert builder.wait() == 1
    assert "thing" in builder.result()["error"]["message"]
    (tmp_path / "one" / "spec.json").unlink()
    assert holding(SECRET, home, tmp_path / "one") == []


@pytest.mark.long
def test_pips_index_serves_where_uv_has_none(index: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"http://reader:{SECRET}@{index}/simple")
    log: list[str] = []
    prepared = prepare(EnvironmentSpec(packages=("thing",)), log.append)
    assert prepared.built
    assert SECRET not in "".join(log)
    assert holding(SECRET, home) == []


@pytest.mark.long
def test_a_password_from_the_environment_serves_a_named_index(
    index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = EnvironmentSpec(packages=("thing",), index_urls=(IndexUrl(f"http://{index}/simple", "mine"),))
    with pytest.raises(EnvironmentBuildException, match="thing"):
        prepare(spec, lambda line: None)
    monkeypatch.setenv("UV_INDEX_MINE_USERNAME", "reader")
    monkeypatch.setenv("UV_INDEX_MINE_PASSWORD", SECRET)
    assert prepare(spec, lambda line: None, retry=True).built


class TestVariables:
    def test_pips_are_translated(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        monkeypatch.delenv("UV_FIND_LINKS", raising=False)
        monkeypatch.setenv("PIP_INDEX_URL", "https://one/simple")
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://two/simple https://three/simple")
        monkeypatch.setenv("PIP_CERT", "/etc/own.pem")
        monkeypatch.setenv("PIP_FIND_LINKS", "/a /b")
        found = uv_process.environment()
        assert found["UV_DEFAULT_INDEX"] == "https://one/simple"
        assert found["UV_EXTRA_INDEX_URL"] == "https://two/simple https://three/simple"
        assert found["SSL_CERT_FILE"] == "/etc/own.pem"
        assert found["UV_FIND_LINKS"] == "/a,/b"

    def test_pips_files_are_read_as_pip_reads_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = tmp_path / ".config" / "pip" / "pip.conf"
        user.parent.mkdir(parents=True)
        user.write_text(
            "[global]\nindex-url = https://user/simple\nextra_index_url =\n  https://two/simple\n  https://three/simple\n"
            "[install]\nno-index = true\n[freeze]\nindex-url = https://other/simple\n"
        )
        named = tmp_path / "own.conf"
        named.write_text(
            "[install]\nindex-url = https://reader:word@named/simple\nproxy = http://proxy:3128\n"
        )
        for name in ("UV_FIND_LINKS", "UV_INDEX_STRATEGY", "PIP_CONFIG_FILE", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "none"))
        found = uv_process.environment()
        assert found["UV_DEFAULT_INDEX"] == "https://user/simple"
        assert found["UV_EXTRA_INDEX_URL"] == "https://two/simple https://three/simple"
        assert found["UV_INDEX_STRATEGY"] == "unsafe-best-match", "as pip looks at them"
        assert uv_process.index_options() == ["--no-index"]
        monkeypatch.setenv("PIP_CONFIG_FILE", str(named))
        found = uv_process.environment([IndexUrl("https://mine/simple", "mine")])
        assert found["UV_DEFAULT_INDEX"] == "https://reader:word@named/simple"
        assert found["ALL_PROXY"] == "http://proxy:3128"
        assert "UV_INDEX_STRATEGY" not in found, "a run's own index comes before all others"
        monkeypatch.setenv("PIP_INDEX_URL", "https://variable/simple")
        assert uv_process.environment()["UV_DEFAULT_INDEX"] == "https://variable/simple"
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        assert "UV_EXTRA_INDEX_URL" not in uv_process.environment()

    def test_a_file_that_is_none_says_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for content in (b"index-url = x", b"\xff\xfe", b"[global\nx"):
            (tmp_path / "pip.conf").write_bytes(content)
            monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
            uv_process.environment()

    @pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL"])
    def test_uvs_own_win(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.setenv("PIP_INDEX_URL", "https://pip/simple")
        monkeypatch.setenv(name, "https://uv/simple")
        found = uv_process.environment()
        assert found[name] == "https://uv/simple"
        assert [key for key, value in found.items() if value == "https://pip/simple"] == ["PIP_INDEX_URL"]

    def test_what_would_change_the_build_is_dropped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        names = (
            "PYTHONPATH",
            "VIRTUAL_ENV",
            "UV_PYTHON",
            "UV_NO_DEPS",
            "UV_TARGET",
            "PYTHONDONTWRITEBYTECODE",
        )
        for name in names:
            monkeypatch.setenv(name, "x")
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")
        found = uv_process.environment()
        assert not set(names) & set(found)
        assert found["HTTPS_PROXY"] == "http://proxy:1"

    def test_a_specs_indexes_come_before_the_users(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UV_INDEX", "theirs=https://theirs/simple")
        found = uv_process.environment(
            [IndexUrl("https://a:b@mine/simple", "mine"), IndexUrl("https://two/simple")]
        )
        assert (
            found["UV_INDEX"]
            == "mine=https://mine/simple index2=https://two/simple theirs=https://theirs/simple"
        )

    def test_credentials_leave_log_lines(self) -> None:
        line = "error: https://reader:word@host/simple and https://host/@scope"
        assert (
            uv_process.without_credentials(line) == "error: https://***@host/simple and https://host/@scope"
        )
