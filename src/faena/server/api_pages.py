"""`python -m faena.server.api_pages docs/api`: writes the pages of the HTTP API, from the routes themselves."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from faena.server.application import Tenant, app_for
from faena.server.reference.completing import described
from faena.server.reference.writing import pages


def made() -> dict[str, str]:
    """The pages of this Faena, by the names of their files."""
    with warnings.catch_warnings():  # of how the framework will want parameters to be marked some day
        warnings.simplefilter("ignore", DeprecationWarning)
        app = app_for(Tenant())
        app.make_all()
        return pages(described(app))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.md"):
        old.unlink()
    for name, text in made().items():
        (folder / name).write_text(text)
