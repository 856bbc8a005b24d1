"""Put many runs into a database of MLflow's, past its server, which would take half an hour for them.

    python mlflow_fill.py URI NAME RUNS

Run by the rival's interpreter.
"""

from __future__ import annotations

import sys
import uuid

from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric, SqlParam, SqlRun, SqlTag
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

URI, NAME, RUNS = sys.argv[1], sys.argv[2], int(sys.argv[3])

store = SqlAlchemyStore(URI, "mlflow-artifacts:/")
experiment = int(store.create_experiment(NAME))
ids = [uuid.uuid4().hex for _ in range(RUNS)]
with store.ManagedSessionMaker() as session:
    session.bulk_insert_mappings(
        SqlRun,
        [
            {
                "run_uuid": each,
                "name": f"run {number}",
                "experiment_id": experiment,
                "user_id": "unknown",
                "status": "RUNNING",
                "start_time": 1 + number,
                "lifecycle_stage": "active",
                "artifact_uri": f"mlflow-artifacts:/{experiment}/{each}/artifacts",
            }
            for number, each in enumerate(ids)
        ],
    )
    points = [
        {
            "run_uuid": each,
            "key": "acc",
            "value": (number * 37 % 101) / 101,
            "timestamp": 0,
            "step": 0,
            "is_nan": False,
        }
        for number, each in enumerate(ids)
    ]
    session.bulk_insert_mappings(SqlMetric, points)
    session.bulk_insert_mappings(SqlLatestMetric, points)
    session.bulk_insert_mappings(
        SqlParam,
        [{"run_uuid": each, "key": "lr", "value": str(number % 10)} for number, each in enumerate(ids)],
    )
    session.bulk_insert_mappings(
        SqlTag,
        [
            {"run_uuid": each, "key": "mlflow.runName", "value": f"run {number}"}
            for number, each in enumerate(ids)
        ],
    )
