"""Builds that somebody asked for without a run: each a builder process, looked at by whoever waits."""

from __future__ import annotations

import re
from pathlib import Path

from faena.environments.model import EnvironmentSpec, Lock
from faena.environments.schemas import BuildView
from faena.environments.service import KILLED, Build, ReadyEnvironment
from faena.kernel.errors import NotFound, UserErrorException

_ID = re.compile(r"[0-9a-f]{32}")
_PART = 1 << 20


class Builds:
    """Those that this server started. Their processes outlive it; asked again, another one finds their work."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: dict[str, Build] = {}

    async def start(self, build_id: str, spec: EnvironmentSpec, lock: Lock | None) -> None:
        """Start a builder, which tries again what is remembered as failed; the same id again has no second effect."""
        if not _ID.fullmatch(build_id):
            raise UserErrorException(
                f"{build_id[:80]!r} is not the id of a build. Use 32 hexadecimal digits."
            )
        if build_id in self._started:
            return
        build = Build(spec, self._folder / f"asked-{build_id}", lock=lock, retry=True)
        self._started[build_id] = build
        await build.start()

    def knows(self, build_id: str) -> bool:
        return build_id in self._started

    async def look(self, build_id: str, offset: int, wait: float) -> BuildView:
        """Where it is, and what its log says from `offset` on; waits up to `wait` seconds for its end."""
        build = self._started.get(build_id)
        if build is None:
            raise NotFound(
                f"This server started no build {build_id[:80]!r}. Ask for the build again: what is there is found."
            )
        ended = await build.wait(wait)
        data = _read_from(build.log, offset)
        text, offset = data.decode("utf-8", "replace"), offset + len(data)
        if not ended or len(data) == _PART:
            return BuildView("running", text, offset)
        result = build.result() or KILLED
        if isinstance(result, ReadyEnvironment):
            return BuildView("ready", text, offset, digest=result.lock.digest, python=result.python)
        return BuildView("failed", text, offset, message=result.message)


def _read_from(path: Path, offset: int) -> bytes:
    """Whole lines, so that no character is cut in two."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(_PART)
    except FileNotFoundError:
        return b""
    return data[: data.rfind(b"\n") + 1] if len(data) < _PART else data
