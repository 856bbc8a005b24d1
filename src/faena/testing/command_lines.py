"""What the system tells of a process: for a fork that is to be known as what was started by a command of its own."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

_SET_MM, _SET_MM_MAP = 35, 14
_NO_FILE = 0xFFFFFFFF


class _Map(ctypes.Structure):
    """Where the system finds what a process consists of: `struct prctl_mm_map`."""

    _fields_ = [
        *(
            (name, ctypes.c_uint64)
            for name in ("start_code", "end_code", "start_data", "end_data", "start_brk")
        ),
        *((name, ctypes.c_uint64) for name in ("brk", "start_stack", "arg_start", "arg_end")),
        *((name, ctypes.c_uint64) for name in ("env_start", "env_end", "auxv")),
        ("auxv_size", ctypes.c_uint32),
        ("exe_fd", ctypes.c_uint32),
    ]


_shown: Any = None
"""What the system reads as long as this process lives."""


def show(words: list[str], variables: dict[str, str]) -> None:
    """Have this command line and these variables in /proc, by which others know a process. Raises OSError."""
    global _shown
    command = b"".join(os.fsencode(word) + b"\0" for word in words)
    environment = b"".join(os.fsencode(f"{name}={value}") + b"\0" for name, value in variables.items())
    _shown = ctypes.create_string_buffer(command + environment, len(command) + len(environment))
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start_code, end_code, start_stack = (int(fields[number - 3]) for number in (26, 27, 28))
    start_data, end_data, start_brk = (int(fields[number - 3]) for number in (45, 46, 47))
    library = ctypes.CDLL(None, use_errno=True)
    library.sbrk.restype = ctypes.c_void_p
    first = ctypes.addressof(_shown)
    middle, last = first + len(command), first + len(command) + len(environment)
    made = _Map(start_code, end_code, start_data, end_data, start_brk, library.sbrk(0), start_stack)
    made.arg_start, made.arg_end, made.env_start, made.env_end = first, middle, middle, last
    made.exe_fd = _NO_FILE
    if library.prctl(_SET_MM, _SET_MM_MAP, ctypes.byref(made), ctypes.sizeof(made), 0):
        error = ctypes.get_errno()
        raise OSError(error, f"the command line of a process: {os.strerror(error)}")
