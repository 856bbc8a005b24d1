"""`python -m faena.node serve FOLDER NODE` is a node; `… adopt FOLDER RUN/ATTEMPT/RANK` finishes for one that died;
`… watch FOLDER PROCESS` follows the runs that a process of the user's own writes."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from faena.node.forking import ForkServer


def main() -> None:
    verb, folder, subject = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever waits for the run, not for the run
    forks = _fork_server() if verb == "serve" else None
    from faena.node import work  # with the rest, while the fork server loads what it needs

    if verb == "serve":
        work.serve(folder, subject, forks)
    elif verb == "adopt":
        work.adopt(folder, subject)
    else:
        work.watch(folder, subject)


def _fork_server() -> ForkServer | None:
    """None where there can be none."""
    forks = ForkServer()
    try:
        forks.start()
    except OSError as error:
        print(f"guards are started one by one: {error}", flush=True)
        return None
    return forks


if __name__ == "__main__":
    main()
