"""What a compute target must be able to do. The contract suite is `faena.testing.compute`."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Backend(Protocol):
    """Starts and watches the processes that are nodes. Methods return within milliseconds; none waits for a node.

    Called by one caller at a time. A node outlives the server: a new Backend finds it alive by its id.
    """

    def start(self, node: str) -> int | None:
        """Start the runner of a node; its process id where it has one on this host.

        Raises OSError when the process cannot be started.
        """

    def is_alive(self, node: str) -> bool:
        """Whether the node's runner lives. True from the return of `start` to the death of the process."""

    def adopt(self, attempt: Path) -> None:
        """See that somebody finishes the attempt in this folder, whose runner died.

        Calling it again while somebody does has no effect.
        """

    def watch(self, process: str) -> None:
        """See that somebody follows the runs that this process (`kernel.living.Living.name`) writes and ends.

        Calling it again while somebody does has no effect.
        """

    def forget(self, node: str) -> None:
        """Remove what is kept about a node that has died. Silent when there is nothing."""
