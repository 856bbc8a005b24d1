"""Where a workspace would lie in the cloud: what scripts print and pass on. Kept in the workspace, used for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import msgspec

from faena.kernel.durable import write_atomically

_FILE = "azureml.json"
UNSAID = "local"
"""What stands where nobody gave a coordinate."""


class Coordinates(msgspec.Struct, frozen=True):
    """As they were given when the workspace was made or opened."""

    subscription_id: str = UNSAID
    resource_group: str = UNSAID
    location: str = UNSAID
    friendly_name: str = ""
    description: str = ""
    tags: dict[str, str] = {}

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Those of the workspace at `folder`; the defaults where none were given or the file is damaged."""
        try:
            return msgspec.json.decode((folder / _FILE).read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError):
            return cls()

    def kept(self, folder: Path | None, **given: str | dict[str, str] | None) -> Coordinates:
        """With what was given (None: it was not), also in the workspace at `folder`, where that is on this machine."""
        changes = {name: value for name, value in given.items() if value is not None}
        changed = msgspec.structs.replace(self, **changes)
        if folder is not None and changed != self:
            write_atomically(folder / _FILE, msgspec.json.format(msgspec.json.encode(changed)) + b"\n")
        return changed
