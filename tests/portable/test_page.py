"""`faena ui FOLDER`: an exported run is looked at where nobody has a workspace."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.journeys.scripts import Project

pytestmark = pytest.mark.long


def test_it_is_shown_and_nothing_of_it_can_be_changed(project: Project, tmp_path: Path) -> None:
    run = project.run("from faena import Run\nRun.get_context().log('loss', 0.25)\nprint('hello')\n")
    run.add_comment("look at the loss")
    folder, scratch = tmp_path / "run", tmp_path / "scratch"
    run.export(folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    scratch.mkdir()
    command = [sys.executable, "-m", "faena.cli", "ui", str(folder), "--no-browser"]
    shown = subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "TMPDIR": str(scratch)}, stdout=subprocess.PIPE, text=True
    )
    try:
        assert shown.stdout is not None
        way_in = urlsplit(shown.stdout.readline().strip())
        connection = http.client.HTTPConnection(str(way_in.hostname), way_in.port, timeout=60)
        connection.request("GET", f"{way_in.path}?{way_in.query}", headers={"Accept": "text/html"})
        answer = connection.getresponse()
        answer.read()
        cookie = str(answer.getheader("set-cookie")).partition(";")[0]
        connection.request("GET", f"/ui/runs/{run.id}", headers={"Cookie": cookie})
        answer = connection.getresponse()
        page = answer.read().decode()
        assert answer.status == 200
        assert "hello" in page and "look at the loss" in page
        assert "Add a note" not in page and "Archive" not in page and "Delete" not in page
        sent = {
            "Cookie": cookie,
            "Origin": f"http://{way_in.netloc}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        connection.request("POST", f"/ui/runs/{run.id}/do/note", "note=changed", sent)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 403
        connection.close()
    finally:
        shown.send_signal(signal.SIGINT)
        assert shown.wait(60) == 0
        assert shown.stdout is not None
        shown.stdout.close()
    assert list(scratch.iterdir()) == []
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_what_is_no_exported_run_is_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "faena.cli", "ui", str(tmp_path), "--no-browser"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1 and "manifest.json" in done.stderr
