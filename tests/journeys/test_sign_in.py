"""A browser is opened without a secret in anybody's arguments; a notebook's links open."""

from __future__ import annotations

import os
import subprocess
import sys
from html import unescape
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from faena import Experiment, Workspace

PAGES = "/ui/"


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is a kernel."""
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


def follow(address: str) -> str:
    """What a browser shows that has no cookie yet."""
    cookie, at = "", urlsplit(address)
    for _ in range(4):
        assert (at.hostname, at.scheme) == ("127.0.0.1", "http")
        connection = HTTPConnection("127.0.0.1", at.port, timeout=60)
        connection.request("GET", f"{at.path}?{at.query}", headers={"Cookie": cookie})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        if answer.status not in (302, 303):
            assert answer.status == 200, text
            return text
        cookie = (answer.getheader("set-cookie") or cookie).partition(";")[0]
        at = urlsplit(f"http://127.0.0.1:{at.port}{answer.getheader('location')}")
    raise AssertionError("too many redirections")


@pytest.mark.long
def test_the_browser_is_handed_a_file(workspace: Workspace, tmp_path: Path) -> None:
    browser, seen = tmp_path / "browser.sh", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$0" "$@" > {seen}\ncat "${{1#file://}}" >> {seen}\n')
    browser.chmod(0o700)
    workspace.write_config(workspace.folder)
    command = [sys.executable, "-m", "faena.cli", "ui"]
    environment = {**os.environ, "BROWSER": f"{browser} %s"}
    done = subprocess.run(
        command, cwd=workspace.folder, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    _, argument, page = seen.read_text().split("\n", 2)
    assert argument.startswith("file://")
    code = page.partition("code=")[2].partition('"')[0]
    assert len(code) > 40
    assert code not in argument
    assert code not in done.stdout + done.stderr, "what is printed is kept by terminals and logs"
    assert done.stdout.strip().endswith(PAGES)
    address = unescape(page.partition("url=")[2].partition('"')[0])
    assert "Runs" in follow(address)
    assert not Path(argument.removeprefix("file://")).exists(), "it goes when it was used"


@pytest.mark.long
@pytest.mark.usefixtures("notebook")
def test_a_notebooks_links_open(workspace: Workspace) -> None:
    experiment = Experiment(workspace, "linked")
    with experiment.start_logging(name="clicked", snapshot_directory=None, outputs=None) as run:
        run.log("loss", 1)
    for shown in (run, experiment, workspace):
        if shown is not workspace:
            assert "clicked" in follow(shown.get_portal_url())  # type: ignore[union-attr]  # both have one
        html = shown._repr_html_()
        assert "file:" not in html
        assert "clicked" in follow(unescape(html.partition('href="')[2].partition('"')[0]))


@pytest.mark.usefixtures("notebook")
def test_a_runs_own_notebook_shows_no_address_of_a_server(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAENA_RUN_ID", "some-run")
    assert Experiment(workspace, "kept").get_portal_url().startswith("file:")
