"""Programs that are ended when the process that started them is, however that goes."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_CODE = """
import ctypes, os, signal, sys
parent = int(sys.argv[1])
try:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
except (AttributeError, OSError):
    pass
if os.getppid() != parent:
    sys.exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def command(arguments: Sequence[str], parent: int) -> list[str]:
    """Starts the program of `arguments`, with SIGTERM when the thread that started it ends (Linux)."""
    return [sys.executable, "-c", _CODE, str(parent), *arguments]
