"""`python -m faena.node serve FOLDER NODE` is a node; `… adopt FOLDER RUN/ATTEMPT/RANK` finishes for one that died;
`… watch FOLDER PROCESS` follows the runs that a process of the user's own writes."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

from faena.attempts.api import ServerApi
from faena.attempts.folder import ATTEMPTS
from faena.attempts.key import AttemptKey
from faena.kernel.discovery import Rendezvous
from faena.kernel.errors import WorkspaceException
from faena.kernel.transport import Transport
from faena.node import attempt
from faena.node.follower import watch
from faena.node.forking import ForkServer
from faena.node.home import Home, InPlace

_PATIENCE = 3600.0
"""Seconds for which a runner goes on looking for a server before it leaves its attempt to whoever adopts it."""
_WAIT = 25.0
"""Seconds that the server may hold a request for work."""


def main() -> None:
    verb, folder, subject = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever waits for the run, not for the run
    transport = Transport(folder, patience=_PATIENCE, persevering=True)
    api = ServerApi(transport)
    try:
        if verb == "adopt":
            attempt.adopt(AttemptKey.of_name(subject), folder / ATTEMPTS, api)
        elif verb == "watch":
            watch(subject, api)
        else:
            _serve(subject, api, InPlace(folder, api), Rendezvous(folder).nodes)
    except WorkspaceException as error:  # it was removed: there is nothing left to work for
        sys.exit(f"leaving: {error.message}")


def _serve(node: str, api: ServerApi, home: Home, sockets: Path) -> None:
    forks = _fork_server()
    answer: dict[str, Any] = {}
    while not answer.get("leave"):
        order = answer.get("order")
        answer = attempt.run(order, api, home, node, sockets, forks) if order else api.work(node, _WAIT)


def _fork_server() -> ForkServer | None:
    """It loads its modules while the first order is on its way; None where there can be none."""
    forks = ForkServer()
    try:
        forks.start()
    except OSError as error:
        print(f"guards are started one by one: {error}", flush=True)
        return None
    return forks


if __name__ == "__main__":
    main()
