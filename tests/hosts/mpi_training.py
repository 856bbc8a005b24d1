"""ChainerMN on two hosts: ranks that train together, number their steps and say that they live.

What they say goes to a file of their host, one `os.write` each: attempt, rank, what, number, the host's time since its
boot. Rank 0 logs, and keeps a checkpoint, from which a later attempt goes on.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import chainer
import chainermn  # type: ignore[import-not-found]  # of the environment that the run has
import numpy as np

from faena import Run

PACE = 0.05
_BETWEEN_CHECKPOINTS = 10


def main() -> None:
    comm = chainermn.create_communicator("naive")
    model = chainer.links.Classifier(chainer.links.Linear(16, 2))
    optimizer = chainermn.create_multi_node_optimizer(chainer.optimizers.SGD(0.01), comm)
    optimizer.setup(model)
    attempt = os.environ["FAENA_ATTEMPT"]
    confirm = os.open("/tmp/confirmed", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)

    def say(what: str, value: int) -> None:
        at = time.clock_gettime(time.CLOCK_BOOTTIME)
        os.write(confirm, f"{attempt} {comm.rank} {what} {value} {at:.3f}\n".encode())

    begun = Path(os.environ["FAENA_CHECKPOINTS"], "number")
    number = comm.mpi_comm.bcast(int(begun.read_text()) if begun.exists() else 0)
    say("begin", number)
    run = Run.get_context()
    random = np.random.RandomState(comm.rank)
    while not comm.mpi_comm.bcast(Path("/tmp/release").exists()):
        number += 1
        optimizer.update(model, random.rand(8, 16).astype("f"), np.zeros(8, "i"))
        say("step", number)
        if comm.rank == 0:
            run.log("n", number)
            if number % _BETWEEN_CHECKPOINTS == 0:
                Path("outputs/checkpoints").mkdir(parents=True, exist_ok=True)
                Path("outputs/checkpoints/.new").write_text(str(number))
                Path("outputs/checkpoints/.new").rename("outputs/checkpoints/number")
        time.sleep(PACE)
    say("end", number)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
