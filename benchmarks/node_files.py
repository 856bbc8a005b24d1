"""A file of 1 GB between a node on another machine and its server, both ways, with a plain copy beside it.

    python -m benchmarks.node_files [--quick]

The other machine is a network namespace behind a link of 1 Gbit/s (needs root); the same over loopback. What a node
does is done by its own code with a machine's token, over the true listener with TLS: of an upload the digest that is
taken first, the bytes, and the answer that all is verified and on the disk. The plain copy (`benchmarks.plain_copy`)
digests nothing and waits for no disk. CPU is that of both ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import faena
from benchmarks import links
from benchmarks.ground import median, processes, workspace
from benchmarks.links import Link
from benchmarks.load import cpu_seconds
from benchmarks.rows import Row, at_least, command
from faena import JoinedCluster, Workspace
from faena.attempts.records import ORDERS
from faena.compute.machines.schemas import ListenerRequest
from faena.kernel import settings, uploads
from faena.kernel.transport import Transport
from faena.node.joined.machine import address_of

BUDGET = 0.8
_RATE = "1gbit"
_WAYS = {"upload": "send", "download": "fetch"}
_BLOCK = 4 << 20


def measure(quick: bool = False) -> list[Row]:
    size, rounds = (100_000_000, 1) if quick else (1_000_000_000, 2)
    rows = []
    if why := links.lacking():
        rows.append(Row("over a link of 1 Gbit/s", "", 0.0, "", note=f"not measured: {why}"))
    else:
        with links.shaped(_RATE) as link:
            rows += _rows(link, f"over {_RATE[0]} Gbit/s", size, rounds, BUDGET)
    return rows + _rows(links.LOOPBACK, "over loopback", size, rounds, None)


def _rows(link: Link, where: str, size: int, rounds: int, budget: float | None) -> list[Row]:
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    with workspace() as ws, _plain(ws, link) as plain:
        made = ws.api.nodes.listen(ListenerRequest(address=link.address))
        token = JoinedCluster.create(ws, "far", max_nodes=1).join_token().token
        server = processes(ws, "faena.server")[0]
        file = ws.folder.parent / "file"
        machine = json.loads(_there(link, "benchmarks.node_files", "join", made.url, token))
        for turn in range(rounds):
            _write(file, size, turn)
            for way, verb in _WAYS.items():
                used = cpu_seconds(server)
                ours = json.loads(_there(link, "benchmarks.node_files", way, made.url, machine, str(file)))
                ours["server_cpu"] = cpu_seconds(server) - used
                words = (verb, link.address, plain, str(file), str(size))
                theirs = json.loads(_there(link, "benchmarks.plain_copy", *words))
                found.setdefault((way, "ours"), []).append(ours)
                found.setdefault((way, "plain"), []).append(theirs)
    rows = []
    for way in _WAYS:
        ours, theirs = found[way, "ours"], found[way, "plain"]
        seconds, beside = (median([each["seconds"] for each in kind]) for kind in (ours, theirs))
        note = f"{seconds:.2f} s, {beside:.2f} s; CPU {_cpu(ours)}; of the plain copy {_cpu(theirs)}"
        name = f"{way} of {size / 1e9:g} GB {where}, of a plain copy's speed"
        value = beside / seconds
        rows.append(
            Row(name, "", value, "times", note=note)
            if budget is None
            else at_least(name, value, budget, "times", note=note)
        )
    return rows


def _cpu(found: list[dict[str, float]]) -> str:
    node, server = (median([each[key] for each in found]) for key in ("cpu", "server_cpu"))
    return f"{node + server:.2f} s (node {node:.2f}, server {server:.2f})"


def _write(file: Path, size: int, turn: int) -> None:
    """Bytes that the server has not; on the disk, so that what is measured does not wait for them."""
    block = os.urandom(_BLOCK)
    with file.open("wb", buffering=0) as made:
        for at in range(0, size, _BLOCK):
            made.write((at + turn).to_bytes(8, "little") + block[8 : min(_BLOCK, size - at)])
        os.fsync(made.fileno())


def _there(link: Link, module: str, *words: str) -> str:
    done = subprocess.run(
        [*link.entry, sys.executable, "-m", module, *words], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


@contextmanager
def _plain(ws: Workspace, link: Link) -> Iterator[str]:
    """Its port. It has a certificate as the server's."""
    from faena.server.node_listener import certificate

    made = certificate.own(ws.folder.parent / "plain", [link.address])
    words = ["serve", link.address, str(made.certificate), str(made.key), str(ws.folder.parent)]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.plain_copy", *words], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _join(url: str, token: str) -> str:
    """A machine's token."""
    told = {
        "name": "shed",
        "version": faena.__version__,
        "wire": settings.WIRE_VERSION,
        "orders": ORDERS,
        "python": "3.11.2",
        "platform": "linux-x86_64",
        "cores": 1,
    }
    answer = Transport(address_of(url, token)).json("POST", "/nodes/join", told)
    return str(answer["token"])


def _moved(way: str, url: str, token: str, file: Path) -> dict[str, float]:
    transport = Transport(address_of(url, token))
    if way == "download":
        from faena.kernel import digests

        digest, target = digests.of_file(file), file.with_name("fetched")
        began, used = time.perf_counter(), time.process_time()
        if transport.download(f"/objects/{digest}", target) != digest:
            raise ValueError("other bytes came")
        took = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - used}
        target.unlink()
        return took
    began, used = time.perf_counter(), time.process_time()
    uploads.bring(transport, [file])
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - used}


def _main() -> None:
    match sys.argv[1:]:
        case ["join", url, token]:
            print(json.dumps(_join(url, token)))
        case ["upload" | "download" as way, url, token, file]:
            print(json.dumps(_moved(way, url, token, Path(file))))
        case _:
            command("Files of 1 GB between a node and its server", measure)


if __name__ == "__main__":
    _main()
