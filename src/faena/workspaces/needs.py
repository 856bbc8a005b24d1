"""What of a workspace is needed, as its features say, each by a function that it adds to a list here.

What a row refers to is said where its column is defined: `info=OBJECT` or `info=SNAPSHOT` (`objects/references.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct

from faena.db import Read
from faena.kernel.hooks import Hooks

Models = Sequence[tuple[str, int]]
"""Versions of models, as (name, version)."""


class Kept(Struct, frozen=True):
    """What may not be deleted now."""

    subjects: tuple[str, ...]
    """Ids of runs, and models as `name:version`."""
    why: str
    """For people: what is kept, by what, and what to do about it."""


servers: Hooks[[Read], bool] = Hooks()
"""Whether there is something that a server must be there for, whoever asks for one or not."""
COMES_BACK = (
    "One comes back by itself for a run that goes on, an endpoint, or a notice that is tried again: let the run end, "
    "delete the endpoint, remove the notice's rule."
)
"""For whoever wants no server at work: what `servers` has, in words."""
environments: Hooks[[Read], Collection[str]] = Hooks()
"""Digests of locks that something is about to use: their environments stay on this machine."""
keepers: Hooks[[Read, Sequence[str], Models], Kept | None] = Hooks()
"""What of some runs and models may not be deleted; None: all may be."""


def needs_server(read: Read) -> bool:
    return any(needs(read) for needs in servers)


def needed_environments(read: Read) -> frozenset[str]:
    return frozenset().union(*(needed(read) for needed in environments))


def kept(read: Read, runs: Sequence[str], models: Models = ()) -> list[Kept]:
    """What keeps some of these runs and models from being deleted."""
    return [found for keep in keepers if (found := keep(read, runs, models)) is not None]


def few(names: Sequence[str], shown: int = 3) -> str:
    """Some names for a message, and how many more there are."""
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
