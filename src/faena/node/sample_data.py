"""Brings a sample data set from a server elsewhere, where a script asks for it."""

from __future__ import annotations

from faena.attempts.api import ServerApi
from faena.data.sample_files import SAMPLE_FILES
from faena.kernel import settings
from faena.kernel.errors import NotFound
from faena.kernel.transport import segment


def bring(api: ServerApi, name: str) -> dict[str, str]:
    """Under `root` its files lie then, for all runs of this user; the server sends each once, verified."""
    if name not in SAMPLE_FILES:
        raise NotFound(f"There is no sample data set {name[:80]!r}. There is: {', '.join(SAMPLE_FILES)}.")
    root = settings.home() / "datasets"
    for part, path in SAMPLE_FILES[name].items():
        if not (root / path).exists():
            api.download(f"/sample-data/{segment(name)}/{segment(part)}", root / path)
    return {"root": str(root)}
