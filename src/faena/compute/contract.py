"""What a compute target must be able to do. The contract suite is `faena.testing.compute`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Backend(Protocol):
    """Starts and watches the processes that are nodes, and those that finish what others left.

    Methods may block, for milliseconds; none waits for a node. They are called on threads, `alive` by several at once,
    the others by one at a time. A node outlives the server: a new Backend finds it alive by its id, or, where others
    start nodes, once it is heard of.
    """

    def start(self, node: str) -> int | None:
        """Start the runner of a node; its process id where it has one on this host, None where it lives already.

        Raises OSError when the process cannot be started; always, saying by whom it is, where others start nodes.
        """

    def alive(self) -> set[str]:
        """The ids of the nodes whose runner lives: from the return of `start` to the death of the process.

        Of nodes that others start: from when they were heard first until nothing was heard for their term.
        """

    def tend(self, name: str, arguments: Sequence[str]) -> None:
        """See that somebody does what `python -m faena.node` does with these arguments, until it is done.

        Attempts and processes are given by their names (`AttemptKey.name`, `Living.name`), never as paths. Called again
        under the same name it has no effect while somebody is at it, and starts another one when that died: soon at
        first, then more and more seldom. Raises OSError when no process can be started. Without effect where others
        start nodes: what is left on a machine is brought by the next runner there.
        """

    def forget(self, node: str) -> None:
        """Remove what is kept about a node that has died. Silent when there is nothing."""
