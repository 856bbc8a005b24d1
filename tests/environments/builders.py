"""Starts the builder as the server does, and waits without sleeping blindly."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from faena.environments.model import EnvironmentSpec
from faena.kernel import discovery


class Builder:
    def __init__(self, folder: Path, spec: EnvironmentSpec, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "build.log"
        self._result = folder / "result.json"
        (folder / "spec.json").write_bytes(msgspec.json.encode(spec))
        places = ["--spec", folder / "spec.json", "--log", self.log, "--result", self._result]
        self.process = discovery.start_module(
            "faena.environments", ["ensure", *map(str, places), *options], log=folder / "builder.log"
        )

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
