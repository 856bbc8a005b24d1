"""What the kernel shows of a process that was forked for a script, and how such a process leaves."""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List

_PR_SET_MM = 35
_PR_SET_MM_MAP = 14
_MAP_PRIVATE_ANONYMOUS = 0x22
_FIELDS = (26, 27, 45, 46, 47, 28)
"""In /proc/self/stat, numbered as in proc(5): start_code, end_code, start_data, end_data, start_brk, start_stack."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.sbrk.restype = ctypes.c_void_p
_kept: List[object] = []
"""Memory that the kernel reads."""


def describe(argv: List[bytes], variables: Dict[bytes, bytes]) -> None:
    """Have /proc show this command line and these variables, as after a start with them. Raises OSError.

    By its variables a process is found that outlived the guard: children that are forked show the same.
    """
    words = b"".join(word + b"\0" for word in argv)
    pairs = b"".join(name + b"=" + value + b"\0" for name, value in variables.items())
    memory = mmap.mmap(-1, len(words) + len(pairs), flags=_MAP_PRIVATE_ANONYMOUS)
    memory.write(words + pairs)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    middle, end = start + len(words), start + len(words) + len(pairs)
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    code, code_end, data, data_end, heap, stack = (int(fields[number - 3]) for number in _FIELDS)
    places = (code, code_end, data, data_end, heap, _libc.sbrk(0), stack, start, middle, middle, end)
    wanted = struct.pack("=11QQIi", *places, 0, 0, -1)  # no auxiliary vector, no other program
    if _libc.prctl(_PR_SET_MM, _PR_SET_MM_MAP, wanted, ctypes.c_ulong(len(wanted)), 0) != 0:
        number = ctypes.get_errno()
        raise OSError(
            number, "the kernel does not let a process say what its command line is: " + os.strerror(number)
        )
    _kept.append(memory)


def leave(status: int) -> None:
    """End as a process does whose interpreter is done: a negative status is a signal. Never returns."""
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    _libc.fflush(None)
    os._exit(status & 0xFF)
