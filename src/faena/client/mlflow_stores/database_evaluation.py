"""Evaluation sets of a database, where the schema has them."""

from __future__ import annotations

from collections.abc import Iterator

from faena.client.mlflow_stores.evaluation_parts import TOGETHER, decoded, head, parts, record
from faena.client.mlflow_stores.reading import word
from faena.client.mlflow_stores.tables import Tables
from faena.mlflow.moving.schemas import EvaluationSetGiven, RecordGiven

_SET = (
    *("dataset_id", "name", "schema", "created_time", "last_update_time"),
    *("created_by", "last_updated_by"),
)
_RECORD = (
    *("dataset_record_id", "inputs", "outputs", "expectations", "tags", "source"),
    *("created_time", "last_update_time", "created_by", "last_updated_by"),
)
_WRAPPED = "mlflow_wrapped"
"""Outputs stand in an object under this name, since they may be anything."""


def read(tables: Tables) -> Iterator[EvaluationSetGiven]:
    """In parts."""
    for row in tables.rows("evaluation_datasets", _SET):
        set_id = word(row["dataset_id"])
        marks = tables.rows("evaluation_dataset_tags", ("key", "value"), "dataset_id = ?", (set_id,))
        of = tables.rows(
            "entity_associations",
            ("destination_id",),
            "source_type = 'evaluation_dataset' AND destination_type = 'experiment' AND source_id = ?",
            (set_id,),
        )
        tags = {word(mark["key"]): mark["value"] for mark in marks}
        experiments = [word(each["destination_id"]) for each in of]
        yield from parts(head(row, tags, experiments), _records(tables, set_id))


def _records(tables: Tables, set_id: str) -> Iterator[RecordGiven]:
    last = ""
    where = f"dataset_id = ? AND dataset_record_id > ? ORDER BY dataset_record_id LIMIT {TOGETHER}"
    while some := tables.rows("evaluation_dataset_records", _RECORD, where, (set_id, last)):
        for row in some:
            outputs = decoded(row["outputs"])
            yield record(
                {**row, "outputs": outputs.get(_WRAPPED, outputs) if isinstance(outputs, dict) else outputs}
            )
        last = word(some[-1]["dataset_record_id"])
