"""One Ray cluster for each module, and an interpreter with Chainer that all hosts have in one place."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import uv

from faena.data.mnist import ensure_mnist
from faena.kernel import settings
from tests.hosts.namespaces import HOME, Host
from tests.on_ray import ground

_CHAINER = ("chainer==7.8.1", "numpy<1.24", "setuptools<74", "mpich>=4.2,<6", "mpi4py>=4,<5")


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, Host]]:
    with ground.hosts(tmp_path_factory.mktemp("ray")) as made:
        yield made


@pytest.fixture(scope="module")
def mnist(hosts: tuple[Host, Host]) -> None:
    """The digits lie at the server's host: a namespace reaches no package registry."""
    there = ensure_mnist(settings.home() / "datasets", print)
    shutil.copytree(there, hosts[0].path(f"{HOME}/faena/datasets"))


@pytest.fixture(scope="module")
def chainer() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="faena-chainer-", dir="/var/tmp"))
    python = folder / "bin" / "python"
    venv = [uv.find_uv_bin(), "venv", "--quiet", "--python", sys.executable, str(folder), "--clear"]
    subprocess.run(venv, check=True)
    (folder / "build.txt").write_text("setuptools<74\n")  # Chainer is built with pkg_resources
    install = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", str(python)]
    subprocess.run([*install, "--build-constraint", str(folder / "build.txt"), *_CHAINER], check=True)
    yield str(python)
    shutil.rmtree(folder)
