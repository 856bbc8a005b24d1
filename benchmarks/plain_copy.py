"""A file over TLS and nothing else: what `benchmarks.node_files` is compared with.

    python -m benchmarks.plain_copy serve ADDRESS CERTIFICATE KEY FOLDER     prints its port
    python -m benchmarks.plain_copy send|fetch ADDRESS PORT FILE SIZE        prints seconds, and CPU of both ends

One connection, 256 KiB at a time, from a file into a file, which lies in the page cache at the end as those of scp
and curl do: nothing is digested, and nothing waits for the disk.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import time
from pathlib import Path

_PART = 256 << 10
_COMMAND = 4096


def serve(address: str, certificate: str, key: str, folder: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server((address, 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            plain, _ = listener.accept()
            with context.wrap_socket(plain, server_side=True) as peer:
                used = time.process_time()
                asked = json.loads(peer.recv(_COMMAND).rstrip())
                if asked["verb"] == "send":
                    peer.sendall(b"+")
                    _receive(peer, folder / "received", asked["size"])
                else:
                    _send(peer, Path(asked["file"]))
                    peer.recv(1)
                peer.sendall(f"{time.process_time() - used:.3f}".encode().ljust(16))


def ask(verb: str, address: str, port: int, file: Path, size: int) -> dict[str, float]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    began, used = time.perf_counter(), time.process_time()
    with context.wrap_socket(socket.create_connection((address, port))) as peer:
        peer.sendall(json.dumps({"verb": verb, "size": size, "file": str(file)}).encode().ljust(_COMMAND))
        if verb == "send":
            peer.recv(1)
            _send(peer, file)
        else:
            _receive(peer, Path(f"{file}.copy"), size)
            peer.sendall(b"+")
        there = float(peer.recv(16))
        took = time.perf_counter() - began
    return {"seconds": took, "cpu": time.process_time() - used, "server_cpu": there}


def _send(peer: ssl.SSLSocket, file: Path) -> None:
    part = memoryview(bytearray(_PART))
    with file.open("rb", buffering=0) as source:
        while count := source.readinto(part):
            peer.sendall(part[:count])


def _receive(peer: ssl.SSLSocket, file: Path, size: int) -> None:
    part = memoryview(bytearray(_PART))
    file.unlink(missing_ok=True)
    with file.open("wb", buffering=0) as sink:
        while size:
            count = peer.recv_into(part)
            if not count:
                raise EOFError(f"{size} bytes are missing")
            sink.write(part[:count])
            size -= count


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        _, _, on, its_certificate, its_key, into = sys.argv
        serve(on, its_certificate, its_key, Path(into))
    else:
        _, verb, at, port, file, size = sys.argv
        print(json.dumps(ask(verb, at, int(port), Path(file), int(size))))
        Path(f"{file}.copy").unlink(missing_ok=True)
