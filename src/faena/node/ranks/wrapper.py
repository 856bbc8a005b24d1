"""One rank of MPI: `python -I -S wrapper.py`, started by MPICH's proxy.

It stays above the script to note how that ended. MPICH ends all ranks when one is killed, but waits for ever when one
leaves with an exit code: so a rank that leaves with one is seen to be killed.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from faena.node.ranks import plan, records
from faena.node.ranks.children import die_with_parent, end_as

START, PYTHON, CODE = "FAENA_RANKS_START", "FAENA_RANKS_PYTHON", "FAENA_RANKS_CODE"
COMMAND = ("/bin/sh", "-c", f'exec "${PYTHON}" -I -S "${START}"')
"""What starts it on any node, whose paths are its own."""


def main() -> None:
    proxy = os.getppid()
    die_with_parent()
    os.chdir(os.environ[CODE])  # mpiexec has all begin in the folder that it was started in itself
    folder = Path("..")
    number = int(os.environ["PMI_RANK"])
    asked = records.read_plan(folder)
    ranks = plan.all_ranks(asked["distributed"], asked["node_count"])
    rank = ranks[number]
    told = {**os.environ, **plan.of_mpi(rank, ranks), **plan.variables(rank, ranks)}
    for name in (START, PYTHON, CODE):
        told.pop(name, None)
    log = records.open_log(folder, number)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    if os.getppid() != proxy:
        os._exit(1)
    pid = os.fork()
    if pid == 0:
        _become_script(asked["argv"], told)
    records.write_begun(folder, number, pid)
    _, status = os.waitpid(pid, 0)
    records.write_ended(folder, number, pid, status)
    if signal.SIGTERM in signal.sigpending():
        os._exit(0)  # the run is to stop, and other ranks may use the time that they have for it
    end_as(signal.SIGKILL if os.WIFEXITED(status) and os.WEXITSTATUS(status) else status)


def _become_script(argv: list[str], told: dict[str, str]) -> None:
    """In the child: never returns."""
    try:
        die_with_parent()
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.execvpe(argv[0], argv, told)
    except OSError as error:
        os.write(2, f"{argv[0]} could not be started: {error.strerror}\n".encode())
    finally:
        os._exit(127)


if __name__ == "__main__":
    main()
