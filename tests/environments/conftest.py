from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.environments import probe
from tests.environments import dated_index
from tests.environments.packages import make_wheel


@pytest.fixture
def known_interpreters(interpreters_asked: Path) -> Path | None:
    """What a test's state folder knows of this machine's interpreters: to ask ten of them is most of a small build."""
    return interpreters_asked


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known_interpreters: Path | None) -> Path:
    """A state folder of this test's own, and nothing of the developer's pip or Python settings."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "PYTHON", "FAENA_", "UV_INDEX")) and name != "PIP_CERT":
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    folder = tmp_path / "home"
    if known_interpreters is not None:
        folder.mkdir(mode=0o700)
        shutil.copy(known_interpreters, folder)
    monkeypatch.setenv("FAENA_HOME", str(folder))
    monkeypatch.setattr(probe, "_memory", {})
    return folder


@pytest.fixture
def package_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages that is all uv can see: no network, no cache of earlier tests."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    return folder


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[Path, str]]:
    """Files and their days; all that uv sees. What is added before the first question counts."""
    tools = dated_index.TOOLS
    earlier = {"setuptools": "40.6.3", "wheel": "0.32.3"}
    files = {make_wheel(tmp_path / "index", name, version): "2019-02-01" for name, version in tools.items()}
    files |= {make_wheel(tmp_path / "index", *each): "2019-01-01" for each in earlier.items()}
    files |= {make_wheel(tmp_path / "index", name, "99.0"): "2024-01-01" for name in tools}
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    with dated_index.serving(files) as url:
        monkeypatch.setenv("UV_DEFAULT_INDEX", url)
        yield files
