"""Traces, evaluation sets, and histories that come from MLflow."""

from __future__ import annotations

import json

import msgspec

from faena.mlflow.moving import schemas as given
from tests.mlflow import otlp
from tests.server.api_examples.session import DATA, DIGEST, Session

MLFLOW = "/api/3.0/mlflow"
WHEN_MS = 1_700_000_000_000


def traces(session: Session) -> None:
    ask = session.ask
    ask("PUT", "/experiments?name=answers")
    number = str(ask("GET", "/experiments/named?name=answers")["id"])
    span = otlp.span(attributes={"input.value": "Why?", "output.value": "Because."})
    session.sent("POST", "/v1/traces", otlp.request(span), **{"x-mlflow-experiment-id": number})
    (trace,) = ask("GET", "/traces?experiment=answers")["traces"]
    path = f"/traces/{trace['id']}"
    ask("GET", path)
    ask("PATCH", path, {"add_tags": {"checked": "yes"}})
    ask("GET", f"{path}/spans")
    ask("GET", f"{path}/spans/{span['spanId']}")
    said = ask("POST", f"{path}/assessments", {"name": "correct", "value": True, "rationale": "It is so."})
    ask("DELETE", f"{path}/assessments/{said['id']}")
    ask("DELETE", path)


def evaluation_sets(session: Session) -> None:
    ask = session.ask
    number = str(ask("GET", "/experiments/named?name=answers")["id"])
    made = ask("POST", f"{MLFLOW}/datasets/create", {"name": "questions", "experiment_ids": [number]})[
        "dataset"
    ]
    record = {"inputs": {"question": "Why?"}, "expectations": {"answer": "Because."}}
    ask("POST", f"{MLFLOW}/datasets/{made['dataset_id']}/records", {"records": json.dumps([record])})
    ask("GET", "/evaluation-sets")
    path = f"/evaluation-sets/{made['dataset_id']}"
    ask("GET", path)
    ask("GET", f"{path}/records")
    ask("DELETE", path)


def histories(session: Session) -> None:
    """In MessagePack, but for the experiment."""
    asked = {"id": "7", "name": "from MLflow", "created_at": WHEN_MS * 1000}
    session.ask("POST", "/mlflow-imports/experiments", asked)
    run = given.RunGiven(
        "1" * 32,
        "from MLflow",
        "FINISHED",
        WHEN_MS,
        WHEN_MS + 5000,
        params={"rate": "0.1"},
        files={"model.npz": given.FileGiven(DIGEST, len(DATA))},
    )
    model = given.LoggedModelGiven(
        "m-" + "1" * 32, "from MLflow", "net", "LOGGED_MODEL_READY", WHEN_MS, WHEN_MS, run.id
    )
    record = given.RecordGiven("r-1", {"question": "Why?"}, WHEN_MS, WHEN_MS)
    questions = given.EvaluationSetGiven(
        "d-" + "1" * 32, "asked there", WHEN_MS, WHEN_MS, experiments=["from MLflow"], records=[record]
    )
    version = given.VersionGiven(1, WHEN_MS, WHEN_MS, source=f"runs:/{run.id}/model.npz", run_id=run.id)
    registered = given.ModelGiven("net from MLflow", WHEN_MS, WHEN_MS, versions=[version])
    parts: dict[str, msgspec.Struct] = {
        "runs": given.Runs("file:///mlruns", [run]),
        "logged-models": given.LoggedModels([model]),
        "models": given.Models([registered]),
        "traces": given.Traces([given.TraceGiven("tr-" + "1" * 32, "from MLflow", WHEN_MS, 20, "OK")]),
        "evaluation-sets": given.EvaluationSets([questions]),
    }
    for name, part in parts.items():
        session.ask("POST", f"/mlflow-imports/{name}", msgspec.msgpack.encode(part))
    session.ask("GET", f"/mlflow-imports/histories?run_id={run.id}")
