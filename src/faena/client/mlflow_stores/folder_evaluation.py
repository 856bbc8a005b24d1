"""Evaluation sets as files beside a folder store, which MLflow gives no place there.

Each is JSON: what is known of the set, and its records as `merge_records` of MLflow's data sets takes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from faena.client.mlflow_stores import reading
from faena.client.mlflow_stores.evaluation_parts import parts
from faena.client.mlflow_stores.found import StoreDamaged
from faena.mlflow.moving.schemas import EvaluationSetGiven, RecordGiven

_NAMES = "evaluation-set-*.json"
_LONGEST = 1 << 30


def write(root: Path, given: EvaluationSetGiven) -> Path:
    """All of a set."""
    target = root / _NAMES.replace("*", given.id)
    target.write_bytes(msgspec.json.format(msgspec.json.encode(given), indent=1))
    return target


def read(root: Path, trouble: list[str]) -> Iterator[EvaluationSetGiven]:
    """In parts."""
    for place in sorted(root.glob(_NAMES)):
        try:
            whole = msgspec.json.decode(reading.content(place, _LONGEST), type=EvaluationSetGiven)
        except (StoreDamaged, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            trouble.append(f"evaluation set {place.name[:80]}: {str(error)[:300]}")
            continue
        records: list[RecordGiven] = whole.records
        yield from parts(msgspec.structs.replace(whole, records=[]), records)
