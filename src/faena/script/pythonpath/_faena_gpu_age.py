"""Whether a GPU is newer than what a framework's CUDA makes code for. Loaded where a process was given a GPU."""

from __future__ import annotations

import re
import subprocess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple

_PATIENCE = 20.0
"""Seconds that nvidia-smi is waited for, as the server does."""
_NEWEST = (
    ((9, 0), (7, 0)),
    ((10, 0), (7, 5)),
    ((11, 0), (8, 0)),
    ((11, 1), (8, 6)),
    ((11, 8), (9, 0)),
    ((12, 8), (12, 0)),
)
"""From which CUDA on, the newest compute capability that it knows."""
_STRICT_BEFORE = (11, 0)
"""Later ones run what they made for 8.0 on an 8.6, too; libraries of earlier ones fail on a 7.5 that they know not."""
_LINE = re.compile(r"\s*(\d+)\s*,\s*(GPU-[0-9A-Za-z-]+)\s*,\s*(\d+)\.(\d+)\s*$")


def too_new(framework: str, cuda: str, visible: str) -> str:
    """Why no GPU that is visible can be used with this CUDA; empty where one can, or nobody knows."""
    version = _version(cuda)
    newest = next((known for since, known in reversed(_NEWEST) if version and version >= since), None)
    if version is None or newest is None:
        return ""
    found = _capabilities(visible)
    if not found or any(_runs(version, newest, each) for each in found):
        return ""
    return "the GPU here (compute capability {}) is too new for the CUDA {} of this {} (up to {})".format(
        _shown(max(found)), _shown(version), framework, _shown(newest)
    )


def _runs(version: Tuple[int, int], newest: Tuple[int, int], capability: Tuple[int, int]) -> bool:
    if capability <= newest:
        return True
    return version >= _STRICT_BEFORE and capability[0] == newest[0]


def _version(cuda: str) -> Optional[Tuple[int, int]]:
    match = re.match(r"(\d{1,3})\.(\d{1,3})", cuda)
    return (int(match.group(1)), int(match.group(2))) if match else None


def _capabilities(visible: str) -> List[Tuple[int, int]]:
    """Of the GPUs that CUDA_VISIBLE_DEVICES names, by index or UUID; of all where a name means none (MIG)."""
    known: Dict[str, Tuple[int, int]] = {}
    for line in _said().splitlines():
        match = _LINE.match(line)
        if match:
            known[match.group(1)] = known[match.group(2)] = (int(match.group(3)), int(match.group(4)))
    named = [name.strip() for name in visible.split(",")]
    found = [known[full] for full in known if any(_means(name, full) for name in named)]
    return found or list(known.values())


def _means(name: str, full: str) -> bool:
    """UUIDs may be cut short."""
    return name == full or (name.startswith("GPU-") and full.startswith(name))


def _said() -> str:
    """What nvidia-smi prints; nothing where it is not there, fails, or is older than the question (2021)."""
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=index,uuid,compute_cap", "--format=csv,noheader"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("ascii", "replace")[: 1 << 20] if done.returncode == 0 else ""


def _shown(version: Tuple[int, int]) -> str:
    return "{}.{}".format(*version)
