"""The workspace, its people, and a history that was logged by request: runs, models, what is tidied away."""

from __future__ import annotations

from tests.server.api_examples.session import DATA, Session


def workspace(session: Session) -> None:
    ask = session.ask
    ask("GET", "/version")
    ask("GET", "/metrics")
    ask("GET", "/workspace")
    ask("PATCH", "/workspace", {"as_of": "2020-06-01"})
    ask("PATCH", "/workspace", {"as_of": ""})
    ask("PUT", "/experiments?name=mnist")
    ask("PATCH", "/experiments?name=mnist", {"add_tags": {"team": "vision"}})
    ask("GET", "/experiments/named?name=mnist")
    ask("GET", "/experiments/as-of?name=mnist")
    ask("GET", "/experiments/sharing?name=mnist")
    ask("PATCH", "/experiments/sharing?name=mnist", {"private": True})
    ask("PATCH", "/experiments/sharing?name=mnist", {"private": False})
    ask("GET", "/experiments")
    ask("PUT", "/experiments?name=left")
    ask("DELETE", "/experiments?name=left")
    ask("PUT", "/secrets", {"API_KEY": "abc"})
    ask("GET", "/secrets")
    ask("POST", "/secrets/values", ["API_KEY", "NONE"])
    ask("DELETE", '/secrets?names=["API_KEY"]')
    view = ask("POST", "/views", {"name": "good ones", "query": "filter=metrics.accuracy > 0.9"})
    ask("GET", "/views?page=runs")
    ask("PATCH", f"/views/{view['id']}", {"name": "the best"})
    ask("DELETE", f"/views/{view['id']}")


def people(session: Session) -> None:
    ask = session.ask
    ask("GET", "/me")
    ask("PUT", "/people/bob", {"role": "contributor"})
    ask("GET", "/people")
    token = ask("POST", "/people/bob/tokens", {"label": "laptop", "days": 30})
    ask("GET", "/people/bob/tokens")
    ask("DELETE", f"/people/bob/tokens/{token['id']}")
    ask("GET", "/audit-log?most=2")
    ask("PATCH", "/quotas", {"person": "bob", "set": {"nodes": 4, "node_hours": 200}})
    ask("GET", "/quotas")
    ask("PATCH", "/quotas", {"person": "bob", "lift": ["nodes", "node_hours"]})
    ask("DELETE", "/people/bob")


def clusters(session: Session) -> None:
    ask = session.ask
    ask("PUT", "/clusters/cpu", {"max_nodes": 2, "cores_per_node": 1})
    ask("PATCH", "/clusters/cpu", {"max_nodes": 4})
    ask("GET", "/clusters/cpu")
    ask("GET", "/clusters")
    ask("PUT", "/clusters/small", {"max_nodes": 1, "cores_per_node": 1})
    ask("DELETE", "/clusters/small")


def runs(session: Session) -> str:
    """The id of one that has ended."""
    mlflow = "/api/2.0/mlflow"
    made = session.ask("POST", f"{mlflow}/runs/create", {"experiment_id": "0", "run_name": "first"})
    run = made["run"]["info"]["run_id"]
    for step, value in enumerate((0.9, 0.4, 0.3)):
        point = {
            "run_id": run,
            "key": "loss",
            "value": value,
            "timestamp": 1_700_000_000_000 + step,
            "step": step,
        }
        session.ask("POST", f"{mlflow}/runs/log-metric", point)
    ask = session.ask
    ask("GET", "/runs?limit=1&filter=metrics.loss < 1&sort=metrics.loss".replace(" ", "%20"))
    ask("GET", f"/runs/{run}")
    ask("PATCH", f"/runs/{run}", {"name": "second try", "description": "with a smaller rate"})
    ask("PUT", f"/runs/{run}/tags", {"note": "keep"})
    ask("PUT", f"/runs/{run}/properties", {"author": "ada"})
    ask("DELETE", f'/runs/{run}/tags?keys=["note"]')
    ask("GET", f"/runs/{run}/metric-names")
    ask("GET", f"/runs/{run}/metrics")
    ask("GET", f"/runs/{run}/metric-ranges")
    ask("GET", f"/runs/{run}/chart?name=loss")
    ask("GET", f"/runs/{run}/charts?most=1")
    ask("GET", f"/runs/{run}/points?name=loss")
    ask("GET", f"/runs/{run}/files")
    ask("GET", f"/runs/{run}/details")
    ask("GET", f"/runs/{run}/logs")
    said = ask("POST", f"/runs/{run}/comments", {"text": "Looks good."})
    ask("GET", f"/runs/{run}/comments")
    ask("PATCH", f"/runs/{run}/comments/{said['id']}", {"text": "Looks better."})
    ask("DELETE", f"/runs/{run}/comments/{said['id']}")
    place = made["run"]["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/").lstrip("/")
    session.sent("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{place}/outputs/model.npz", DATA)
    ask("POST", f"{mlflow}/runs/update", {"run_id": run, "status": "FINISHED", "end_time": 1_700_000_010_000})
    return str(run)


def models(session: Session) -> None:
    mlflow, ask = "/api/2.0/mlflow", session.ask
    ask("POST", f"{mlflow}/registered-models/create", {"name": "digits"})
    ask("POST", f"{mlflow}/model-versions/create", {"name": "digits", "source": "s3://models/digits"})
    ask("GET", "/model-names?empty=true")
    ask("GET", "/models")
    ask("GET", "/models/digits")
    ask("GET", "/models/digits/versions/1")
    ask("PATCH", "/models/digits/versions/1", {"add_tags": {"checked": "yes"}})
    ask("PUT", "/models/digits/aliases/champion", {"version": 1})
    ask("GET", "/models/digits/aliases/champion")
    ask("DELETE", "/models/digits/aliases/champion")
    ask("PUT", "/models/digits/versions/1/stage", {"stage": "Production"})
    ask("DELETE", "/models/digits/versions/1")


def tidying(session: Session) -> None:
    ask = session.ask
    run = ask("GET", "/runs?limit=1")["runs"][0]["id"]
    deleted = ask("POST", "/deletions", {"runs": [run]})
    ask("GET", "/deletions")
    ask("POST", f"/deletions/{deleted['id']}/undo")
    ask("PUT", "/retention/logs", {"keeps": "logs", "days": 30})
    ask("GET", "/retention")
    ask("POST", "/retention/apply?dry_run=true")
    ask("DELETE", "/retention/logs")
    ask("POST", "/collections", {"dry_run": True})
    ask("GET", "/usage?largest=1")
