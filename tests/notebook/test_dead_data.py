"""Data sets whose addresses have died, in a notebook's kernel that uses Faena."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena import Workspace
from tests.notebook.notebooks import cells, executed, printed

FETCHED = """
from urllib.request import urlopen
with urlopen("http://yann.lecun.com/exdb/mnist/t10k-labels-idx1-ubyte.gz") as answer:
    print(answer.length, answer.read() == b"labels")
"""


@pytest.mark.long
def test_an_address_is_answered_from_the_hosts_copy_and_a_program_is_told(
    common_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "datasets" / "originals" / "mnist"
    folder.mkdir(parents=True)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(b"labels")
    host = tmp_path / "host"
    host.write_text(f"#!/bin/sh\necho {tmp_path / 'datasets'}\n")
    host.chmod(0o755)
    monkeypatch.setenv("FAENA_PYTHON", str(host))
    failed = "!sh -c 'exit 1' http://yann.lecun.com/exdb/mnist/t10k-labels-idx1-ubyte.gz"
    taxis = "!sh -c 'exit 1' https://s3.amazonaws.com/nyc-tlc/trip.csv"
    said = printed(executed(cells(common_workspace, FETCHED, failed, taxis), tmp_path))
    assert "6 True" in said
    assert "faena: http://yann.lecun.com/exdb/mnist/ is dead; MNIST comes from Faena's verified copy" in said
    assert "urllib.request.urlretrieve(address, name) gets the published file" in said
    assert "faena: https://s3.amazonaws.com/nyc-tlc/trip.csv: No package holds the taxi data." in said
