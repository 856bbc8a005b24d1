"""SHA-256 digests as 64 lower-case hexadecimal digits."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from faena.kernel.errors import UserErrorException

FORM = re.compile(r"[0-9a-f]{64}")


def of_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_value(value: Any) -> str:
    """Digest of a JSON value, whatever the order of its keys."""
    return of_bytes(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def check(value: str) -> str:
    if FORM.fullmatch(value):
        return value
    raise UserErrorException(f"{value[:80]!r} is not a digest. Use 64 lower-case hexadecimal digits.")
