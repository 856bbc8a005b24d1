"""What whoever fetches a file is told of it: its name, and what kind it is."""

from __future__ import annotations

import mimetypes
import re
from urllib.parse import quote

_TEXTS = frozenset({
    "txt", "log", "err", "cfg", "conf", "cnf", "cf", "ini", "properties", "prop", "hocon", "toml", "yaml", "yml",
    "xml", "json", "js", "py", "py3", "csv", "tsv", "md", "rst", "ipynb", "MLmodel", "mlproject",
})  # fmt: skip
"""Endings, or whole names without one, that are shown as text."""
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def media_type(name: str) -> str:
    """By the name alone: nothing that a run wrote is shown as a page."""
    ending = name.rpartition(".")[2]
    return "text/plain" if ending in _TEXTS else mimetypes.guess_type(name)[0] or "application/octet-stream"


def disposition(name: str) -> str:
    """The header that has a browser save the file, under this name."""
    if _TOKEN.fullmatch(name):
        return f"attachment; filename={name}"
    plain = re.sub(r"[^ !#-\[\]-~]", "_", name)
    told = f'attachment; filename="{plain}"'
    return told if plain == name else f"{told}; filename*=UTF-8''{quote(name, safe='')}"
