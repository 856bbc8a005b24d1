"""What a runner says to the server and hears from it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from faena.attempts.follow import Segment
from faena.attempts.key import AttemptKey
from faena.attempts.records import ORDERS
from faena.kernel.connections import Answer
from faena.kernel.process_identity import Living
from faena.kernel.run_requests import RunRequests
from faena.kernel.transport import Transport

_LONG = 3600.0
"""Seconds: the server copies files while such a request waits."""
_PASSING_ON = 60.0
"""Seconds in which a server that is reached takes more of a body."""
_ANSWERED = 300.0
"""Seconds in which it answers then: a large file is made durable first."""


@dataclass(frozen=True, slots=True)
class Shipped:
    offsets: dict[str, int]
    cancel: bool
    watched: bool
    points: bool = False
    """Whether somebody waits for points, too."""
    pace: float = 0.0
    """Seconds between what is sent while nobody watches, where that is more than usual; 0: on the server's host."""
    asked: tuple[dict[str, Any], ...] = ()
    """About files that the script has written so far."""


class ServerApi:
    """Every call may be repeated; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.questions = RunRequests(transport)

    @property
    def shares_files(self) -> bool:
        """Whether the server is of this host and takes files by their paths; else it is sent their bytes."""
        return self._transport.shares_files

    def by(self, token: str) -> ServerApi:
        """To the same server, by another token: that of an attempt may do other things than a machine's."""
        return type(self)(self._transport.by(token))

    def locate(self, path: Path) -> Path:
        """Where a path of the workspace's folder is now, which may be moved at any time."""
        return self._transport.locate(path)

    def work(self, node: str, wait: float, *, patience: float = 600.0) -> dict[str, Any]:
        """`{"order": {...}}`, `{"leave": true}` or, when nothing came within `wait` seconds, `{}`."""
        answer: dict[str, Any] = self._transport.json(
            "POST", f"/nodes/{node}/work?wait={wait:g}&orders={ORDERS}", timeout=wait + 30, patience=patience
        )
        return answer

    def leave(self, node: str, *, done: bool) -> None:
        """The runner of a node elsewhere ends and wants no more work; once `done`, it has brought what it had."""
        self._transport.json("POST", f"/nodes/{node}/leave", {"done": done}, patience=5.0)

    def offsets(self, key: AttemptKey) -> dict[str, int]:
        answer: dict[str, int] = self._transport.json("GET", f"{key.path}/offsets")
        return answer

    def open_attempts(self, process: str, *, bring_back: bool = True) -> list[tuple[Path, bool]]:
        """The attempt folders of the open runs that a process writes, and whether each is to be canceled.

        Unless the server is to be brought back, one that has left is ServerUnreachable.
        """
        patience = None if bring_back else 0.0
        found = self._transport.json("GET", f"/nodes/{process}/attempts", start=bring_back, patience=patience)
        return [(Path(each["folder"]), bool(each["stop"])) for each in found]

    def start_runs(self, process: Living, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Start runs that the process writes and ends: for each its `run` and its attempt `folder`."""
        asked = {"process": {"pid": process.pid, "started": process.started}, "runs": runs}
        answer: list[dict[str, Any]] = self._transport.json("POST", "/runs", asked)
        return answer

    def start_below(self, key: AttemptKey, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Start runs that the script of an attempt writes, whose folders are made here."""
        answer: list[dict[str, Any]] = self._transport.json("POST", f"{key.path}/runs", {"runs": runs})
        return answer

    def started(self, key: AttemptKey, at: int, *, patience: float | None = None) -> None:
        self._transport.json("PUT", f"{key.path}/started", {"at": at}, patience=patience)

    def ended(self, key: AttemptKey, outcome: dict[str, Any], at: int | None) -> None:
        """The script has ended; from now on the run is finalizing."""
        self._transport.json("PUT", f"{key.path}/ended", {"outcome": outcome, "at": at})

    def closed(self, key: AttemptKey) -> None:
        """Everything is shipped."""
        self._transport.json("PUT", f"{key.path}/closed", timeout=_LONG)

    def ship(
        self,
        key: AttemptKey,
        segments: list[Segment],
        *,
        closing: bool = False,
        started_at: int | None = None,
        patience: float | None = None,
    ) -> Shipped:
        """Send bytes; with `closing`, torn tails are given up. `started_at`: when the script did, where that is new.

        Who waits for no server, by a `patience` of 0, has none started either.
        """
        body = _batch({"closing": closing, "started_at": started_at}, segments)
        start = False if patience == 0.0 else None
        answer = self._transport.json_answer("POST", f"{key.path}/ship", body, patience=patience, start=start)
        return _shipped(answer)

    def signals(self, key: AttemptKey, wait: float) -> Shipped:
        """What the server says once somebody watches the run or it is to be stopped, or `wait` seconds later."""
        at = f"{key.path}/signals?wait={wait:g}"
        return _shipped(self._transport.json("GET", at, timeout=wait + 30, patience=0.0))

    def close(
        self, key: AttemptKey, segments: list[Segment], ending: dict[str, Any], node: str = ""
    ) -> dict[str, Any] | None:
        """Send the last bytes and end the attempt. None, and nothing has happened, where bytes before them are missing.

        `ending`: its `outcome`, `started_at` and `notes`. The answer is what `node` is to do next, as that of `work`.
        """
        body = _batch({"closing": True, **ending}, segments)
        at = f"{key.path}/close" + (f"?node={quote(node, safe='')}" if node else "")
        answer: dict[str, Any] = self._transport.json_answer("POST", at, body, timeout=_LONG)
        return answer if answer.pop("kept") else None

    def finish(self, key: AttemptKey, segments: list[Segment], outcome: dict[str, Any]) -> bool:
        """Send the last bytes and end the run. False, and nothing has happened, where bytes before them are missing."""
        body = _batch({"closing": True, "outcome": outcome}, segments)
        return bool(self._transport.json_answer("POST", f"{key.path}/finish", body, timeout=_LONG))

    def ingest(
        self, key: AttemptKey, files: Mapping[str, Path], *, take: bool = False, some: bool = False
    ) -> dict[str, str]:
        """Keep files of this host under the names given. `take`: nobody writes them any more.

        `some`: those that can be kept; the answer is why others cannot, by name. Else it raises UserErrorException.
        """
        if not self.shares_files:
            from faena.attempts import by_bytes  # with a server elsewhere only

            return by_bytes.ingest(self._transport, key, files, some=some)
        named = [{"name": name, "path": str(path)} for name, path in files.items()]
        asked = {"files": named, "take": take, "some": some}
        refused = self._transport.json("POST", f"{key.path}/files", asked, timeout=_LONG) or []
        return {str(each["name"]): str(each["message"]) for each in refused}

    def take_checkpoint(self, key: AttemptKey, files: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
        """Have these files of this host be the attempt's checkpoint: `digests` of what is kept, why others `refused`.

        Each with `name`, `size` and `modified`, and `digest`; or, where it is new, `path`, `inode` and `changed`.
        """
        if not self.shares_files:
            from faena.attempts import by_bytes

            return by_bytes.take_checkpoint(self._transport, key, files)
        answer: dict[str, dict[str, str]] = self._transport.json(
            "PUT", f"{key.path}/checkpoint", {"files": files}, timeout=_LONG
        )
        return answer

    def taken_checkpoint(self, key: AttemptKey) -> list[dict[str, Any]]:
        """What was taken of it, as files with `name`, `size`, `modified` and `digest`."""
        found: list[dict[str, Any]] = self._transport.json("GET", f"{key.path}/checkpoint")
        return found

    def note(self, key: AttemptKey, code: str, message: str, about: str = "") -> None:
        """Something that the reader of the run must know. `about`: how it begins, where a code has several."""
        told = {"message": message, "about": about}
        self._transport.json("PUT", f"{key.path}/notes/{quote(code, safe='')}", told)

    def ask(self, verb: str, run_id: str, arguments: dict[str, Any]) -> Any:
        """What a script asks about a run."""
        return self.questions.ask(verb, run_id, arguments, _LONG)

    def download(self, path: str, target: Path, progress: Callable[[], None] = lambda: None) -> str:
        """An answer's bytes as a file, whole or not at all; the digest that was verified, see `Transport.download`."""
        return self._transport.download(path, target, progress)

    def fetch(self, digest: str, target: Path) -> str:
        """An object as a file, from where it is nearest; see `download`."""
        from faena.kernel import downloads  # with a server elsewhere only

        return downloads.one(self._transport, digest, target)

    def objects(self, digests: list[str]) -> bytes:
        """Small objects in one: see `faena.kernel.batches`. What is not there, or not small, is not in it."""
        asked = json.dumps({"digests": digests}).encode()
        return self._transport.request("POST", "/objects/several", asked, timeout=_LONG).data

    def store(self, datastore: str, path: str, file: Path, *, overwrite: bool) -> bool:
        """Put a file's bytes into a datastore; False where there are others, which are not to be replaced."""
        from faena.attempts import by_bytes

        return by_bytes.store(self._transport, datastore, path, file, overwrite=overwrite)

    def ask_soon(self, path: str, wait: float) -> Any:
        """What the server says at once, or within `wait` seconds for which it holds the question."""
        return self._transport.json("GET", path, timeout=wait + 30, patience=0.0)

    def bring(self, path: str, data: bytes) -> None:
        """Bytes that somebody waits for there."""
        self._transport.request("POST", path, data, timeout=60.0)

    def send(self, path: str) -> str:
        """Have the server hold a file's bytes, for an hour at least; their digest."""
        from faena.kernel import uploads  # with a server elsewhere only

        return uploads.bring(self._transport, [path])[path]

    def answer(self, key: AttemptKey, question: str, data: bytes) -> None:
        """What was asked about files of the script."""
        self.bring(f"{key.path}/answers/{quote(question, safe='')}", data)

    def pass_on(
        self,
        key: AttemptKey,
        method: str,
        target: str,
        body: bytes | Iterable[bytes] | None,
        headers: Mapping[str, str],
    ) -> Answer:
        """What MLflow's client of a script asks, once. Raises as `Transport.once` does."""
        return self._transport.once(
            method,
            f"{key.path}/mlflow{target}",
            body,
            headers,
            connecting=_PASSING_ON,
            answering=_ANSWERED,
        )

    def call(self, method: str, path: str, value: Any = None) -> Any:
        return self._transport.json(method, path, value, timeout=_LONG)


def _shipped(answer: dict[str, Any]) -> Shipped:
    points, pace = answer.get("points", False), answer.get("pace", 0.0)
    asked = tuple(answer.get("asked", ()))
    return Shipped(answer["offsets"], answer["cancel"], answer["watched"], points, pace, asked)


def _batch(header: dict[str, Any], segments: list[Segment]) -> bytes:
    """The length of the header, the header, then the bytes of the segments, in its order."""
    if header.get("started_at") is not None:  # by this machine's clock, which is told, too
        header["sent_at"] = int(time.time() * 1e6)
    header["segments"] = [[part.stream, part.offset, len(part.data)] for part in segments]
    head = json.dumps(header).encode()
    return b"".join([len(head).to_bytes(4, "little"), head, *(part.data for part in segments)])
