"""What a shared server starts from: its settings, and what an earlier one of the same process has left."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from faena.people import settings as team
from faena.people.settings import Settings
from faena.server.restart.handed_on import NONE, HandedOn, children, taken


class Shared(NamedTuple):
    settings: Settings
    given: Mapping[str, str]
    """Variables that the next server reads its settings from, with the file as it is then."""
    left: HandedOn | None
    """None for the first server of a process."""
    children: tuple[int, ...]

    @classmethod
    def of_this_process(cls) -> Shared:
        """Raises UserErrorException where the settings cannot be used."""
        left = taken()
        given = team.as_given(os.environ)
        found = team.read()
        for name in given:
            del os.environ[name]  # the database's password is nothing for runners and scripts
        return cls(found, given, left, tuple(children()) if left is not None else ())

    @property
    def shared_lock(self) -> int:
        return NONE if self.left is None else self.left.shared
