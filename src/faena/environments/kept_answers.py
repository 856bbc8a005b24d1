"""Answers about dates that stay true: `<FAENA_HOME>/as-of/<digest of the question>.json`."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from faena.kernel import digests, settings
from faena.kernel.durable import write_atomically

T = TypeVar("T")


def recall(question: object, kind: type[T]) -> T | None:
    """What was kept; None where nothing was, or an older Faena kept something else."""
    try:
        return msgspec.json.decode(_path(question).read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError):
        return None


def keep(question: object, answer: object) -> None:
    path = _path(question)
    path.parent.mkdir(mode=0o700, exist_ok=True, parents=True)
    write_atomically(path, msgspec.json.encode(answer))


def _path(question: object) -> Path:
    return settings.home_path() / "as-of" / f"{digests.of_value(question)}.json"
