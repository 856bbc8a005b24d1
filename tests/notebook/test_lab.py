"""`faena lab`: JupyterLab in the workspace's folder, with the examples, and nothing left when it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from faena import Workspace
from faena.notebook.kernels.specs import Kernel
from faena.notebook.lab import examples, installation
from faena.testing.waiting import until
from tests.cli.terminal import FAENA_IN_FRONT

ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)/\S*\?token=([0-9a-f]+)")


def test_examples_are_copied_and_what_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (mine := tmp_path / "chainer-mnist/chainer_mnist.py").parent.mkdir()
    mine.write_text("mine")
    copied = examples.copy(tmp_path)
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert len(names) == copied + 1
    assert mine.read_text() == "mine"
    assert "azureml/logging.ipynb" in names
    assert not [name for name in names if name.endswith(("config.json", ".pyc"))]
    assert examples.copy(tmp_path) == 0


def test_a_kernel_of_this_interpreter_finds_behind_its_own_packages_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    packages.mkdir(parents=True)
    (packages / "only_there.py").write_text("")
    (packages / "msgspec.py").write_text("raise SystemExit('the wrong one')")
    installation._write_kernel(tmp_path / "kernels/python3", packages)
    kernel = json.loads((tmp_path / "kernels/python3/kernel.json").read_text())
    assert kernel["argv"][0] == sys.executable
    code = "import os, msgspec, only_there; print(os.environ.get('PYTHONPATH'), 'FAENA_LAB_PACKAGES' in os.environ)"
    said = subprocess.run(
        [kernel["argv"][0], "-c", code],
        env={**os.environ, **kernel["env"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "None False\n", "its own programs have neither"


def test_a_kernel_of_another_time_has_the_name_that_notebooks_give(tmp_path: Path) -> None:
    installation.put_in_front(tmp_path, Kernel("/old/bin/python", "3.7.16"))
    described = {
        path.parent.name: json.loads(path.read_text()) for path in tmp_path.glob("kernels/*/kernel.json")
    }
    assert described["python3"]["display_name"] == "Python 3.7 (Faena)"
    assert described["faena"]["argv"][:3] == [sys.executable, "-m", "ipykernel_launcher"]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        found: int = free.getsockname()[1]
        return found


@pytest.mark.long
def test_it_serves_the_workspace_to_who_has_the_token_and_ends_at_ctrl_c(
    own_workspace: Workspace, port: int, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with output.open("wb") as written:
        process = subprocess.Popen(
            [*FAENA_IN_FRONT, "lab", "--no-browser", "--port", str(port), "-w", str(own_workspace.folder)],
            stdout=written,
            stderr=written,
            env={**os.environ, "TMPDIR": str(scratch), "JUPYTER_CONFIG_DIR": str(scratch / "config")},
        )
    try:
        found = until(lambda: _address(process, output), "JupyterLab has said where it is")
        assert found is not None
        address, token = found
        with pytest.raises(HTTPError, match="403"):
            urlopen(f"{address}/api/contents", timeout=60)
        assert "faena-examples" in {
            entry["name"] for entry in _got(f"{address}/api/contents", token)["content"]
        }
        runtime = next(scratch.glob("faena-lab-*")) / "runtime"
        (record,) = runtime.glob("jpserver-*.json")
        server = json.loads(record.read_text())["pid"]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert not Path(f"/proc/{server}").exists()
        assert not list(scratch.glob("faena-lab-*"))
    finally:
        process.kill()
        process.wait()


def _address(process: subprocess.Popen[bytes], output: Path) -> tuple[str, str] | None:
    said = output.read_text()
    assert process.poll() is None, said
    found = ADDRESS.search(said)
    if found is None:
        return None
    try:
        urlopen(f"{found[1]}/api", timeout=60)
    except HTTPError as error:
        assert error.code == 403, said
    except URLError:
        return None  # it is not listening yet
    return found[1], found[2]


def _got(address: str, token: str) -> Any:
    with urlopen(Request(address, headers={"Authorization": f"token {token}"}), timeout=60) as answer:
        return json.load(answer)
