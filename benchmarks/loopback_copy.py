"""Files over one connection of the loopback into files, and nothing else: milliseconds.

What comes is brought to the disk where `is_kept`, one file after the other, as who acknowledges each must; nothing is
digested, named or recorded.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Sequence
from pathlib import Path

_PART = 256 << 10
_SIZE = struct.Struct("!Q")


def milliseconds(files: Sequence[Path], into: Path, *, is_kept: bool) -> float:
    into.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        receiver = threading.Thread(target=_receive, args=(listener, into, len(files), is_kept))
        receiver.start()
        began = time.perf_counter()
        with socket.create_connection(listener.getsockname()) as peer:
            for path in files:
                with path.open("rb") as file:
                    peer.sendall(_SIZE.pack(path.stat().st_size))
                    peer.sendfile(file)
                peer.recv(1)
        taken = 1000 * (time.perf_counter() - began)
        receiver.join()
    return taken


def _receive(listener: socket.socket, into: Path, count: int, is_kept: bool) -> None:
    peer, _ = listener.accept()
    part = memoryview(bytearray(_PART))
    with peer:
        for number in range(count):
            [left] = _SIZE.unpack(peer.recv(_SIZE.size, socket.MSG_WAITALL))
            with (into / str(number)).open("wb", buffering=0) as file:
                while left:
                    got = peer.recv_into(part[: min(left, _PART)])
                    if not got:
                        raise EOFError(f"{left} bytes are missing")
                    file.write(part[:got])
                    left -= got
                if is_kept:
                    os.fsync(file.fileno())
            peer.sendall(b"+")
