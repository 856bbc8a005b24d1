"""Folders and variables of a campaign: nothing of the user's, nothing from the network."""

from __future__ import annotations

from pathlib import Path


class Surroundings:
    """`runtime` is a folder with a short path, since sockets lie in it; default: one in `base`."""

    def __init__(self, base: Path, *, runtime: Path | None = None) -> None:
        self.home = base / "home"
        self.runtime = runtime or base / "rt"
        self.links = base / "links"
        self._cache = base / "uv-cache"
        for folder in (self.home, self.runtime, self.links):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def variables(self) -> dict[str, str]:
        """What servers, runners and builders get: packages come from `links` alone."""
        return {
            "FAENA_HOME": str(self.home),
            "FAENA_RUNTIME": str(self.runtime),
            "UV_OFFLINE": "1",
            "UV_CACHE_DIR": str(self._cache),
            "PIP_NO_INDEX": "1",
            "UV_FIND_LINKS": str(self.links),
        }
