"""What a script is told of a tabular dataset: how it is read, from which files, in which order."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from faena.attempts.folder import AttemptFolder
from faena.data import sources


def listing_of(data: Mapping[str, Any], folder: AttemptFolder) -> Path:
    """A file of its own, since what the environment of a process may hold is soon full."""
    return folder.data / ".tabular" / f"{data['name']}.json"


def write_listing(
    data: Mapping[str, Any], here: Path, folder: AttemptFolder, fetch: Callable[[str], Path]
) -> None:
    """For an input whose files are, or will be, below `here`. Raises as `sources.contents` does."""
    members = sources.in_order(sources.contents(data["sources"], fetch).members)
    files = [{"path": member.path, "place": str(here / member.name)} for member in members]
    listing = listing_of(data, folder)
    listing.parent.mkdir(parents=True, exist_ok=True)
    listing.write_text(json.dumps({"definition": data["tabular"], "files": files}))
