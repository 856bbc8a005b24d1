"""Starts the builder as the server does, and waits without sleeping blindly."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from faena.environments.model import EnvironmentSpec


class Builder:
    def __init__(self, folder: Path, spec: EnvironmentSpec, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "build.log"
        self._result = folder / "result.json"
        (folder / "spec.json").write_bytes(msgspec.json.encode(spec))
        places = ["--spec", folder / "spec.json", "--log", self.log, "--result", self._result]
        command = [sys.executable, "-m", "faena.environments", "ensure", *map(str, places), *options]
        self.process = subprocess.Popen(command, cwd=folder)

    def wait(self) -> int:
        return self.process.wait(timeout=120)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def result(self) -> dict[str, Any]:
        answer = msgspec.json.decode(self._result.read_bytes())
        assert isinstance(answer, dict)
        return answer

    def has_result(self) -> bool:
        return self._result.exists()

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


def until(condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.01)
