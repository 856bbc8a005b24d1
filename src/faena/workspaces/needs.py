"""What of a workspace is needed, as its features say, each by a function that it adds to a list here.

What a row refers to is said where its column is defined: `info=OBJECT` (`objects/references.py`).
"""

from __future__ import annotations

from faena.db import Read
from faena.kernel.hooks import Hooks

servers: Hooks[[Read], bool] = Hooks()
"""Whether there is something that a server must be there for, whoever asks for one or not."""


def needs_server(read: Read) -> bool:
    return any(needs(read) for needs in servers)
