"""What a sweep was begun with, kept where it is changed: who asks for the same again means the same sweep."""

from __future__ import annotations

import msgspec

from faena.db import Read, Write
from faena.kernel import digests
from faena.runs import record_store
from faena.sweeps.schemas import SweepSpec

_AS_BEGUN = "faena.sweep_as_begun"
"""The property of a sweep's run that has the digest of its first description."""


def keep(write: Write, sweep_id: str, spec: SweepSpec) -> None:
    """Before each change: of several the first stays."""
    record_store.add_properties(write, sweep_id, {_AS_BEGUN: _digest(spec)})


def was_begun_as(read: Read, sweep_id: str, spec: SweepSpec) -> bool:
    """False also for one that was never changed."""
    return record_store.list_properties(read, sweep_id).get(_AS_BEGUN) == _digest(spec)


def _digest(spec: SweepSpec) -> str:
    return digests.of_bytes(msgspec.json.encode(spec))
