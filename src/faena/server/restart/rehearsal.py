"""Whether the next server would start, found out while this one goes on: what is installed now, with its settings."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from faena.kernel.discovery import child_environment
from faena.kernel.startup_errors import REFUSED, refusal
from faena.people import settings
from faena.server.node_listener.certificate import check_pair

_PATIENCE_S = 120.0
_LONGEST = 2000
_NEEDED = ("faena.server.app", "faena.server.application", "faena.server.several.steward", "uvicorn")


def rehearse(folder: Path) -> int:
    """In a process of its own, whose exit code it returns: what keeps a server from starting is said on stderr."""
    from faena.workspaces.model import open_folder

    try:
        if (found := settings.read()).certificate is not None:
            check_pair(found.certificate, found.key)
        open_folder(folder)
        for name in _NEEDED:
            import_module(name)
    except Exception as error:  # noqa: BLE001  whatever it is, the server that asked goes on
        sys.stderr.write(f"{refusal(error, folder).message}\n")
        return REFUSED
    return 0


async def rehearsed(folder: Path, given: Mapping[str, str]) -> str:
    """Why the next server would not start, as a sentence; empty where it would. `given`: its settings."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "faena.server", str(folder), "--rehearse"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**child_environment(), **given},
    )
    try:
        async with asyncio.timeout(_PATIENCE_S):
            _, said = await process.communicate()
    except TimeoutError:
        return f"it was not ready within {_PATIENCE_S:g} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 0:
        return ""
    words = said.decode("utf-8", "replace").rstrip().rpartition("\n")[2]
    return words[:_LONGEST] or f"its process ended with {process.returncode}"
