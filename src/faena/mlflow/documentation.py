"""The table of routes in docs/mlflow-routes.md, from the routes themselves.

python -m faena.mlflow.documentation docs/mlflow-routes.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from faena.mlflow.routes import ROUTES

_ELSEWHERE = (
    ("GET, PUT, DELETE", "/api/2.0/mlflow-artifacts/artifacts/PATH", "a file"),
    ("GET", "/api/2.0/mlflow-artifacts/artifacts?path=", "what lies in a folder"),
    ("GET", "/get-artifact", "a run's file, as MLflow's page asks for it"),
    ("GET", "/model-versions/get-artifact", "a version's file, as MLflow's page asks for it"),
    (
        "GET",
        "/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files",
        "a logged model's file, as MLflow's page asks for it",
    ),
    ("POST", "/ajax-api/2.0/mlflow/upload-artifact", "a small file, as MLflow's page sends it"),
    (
        "GET",
        "/ajax-api/2.0/mlflow/get-trace-artifact",
        "the spans of a trace, as MLflow's page asks for them",
    ),
    ("POST", "/v1/traces", "spans, as OpenTelemetry's exporters send them"),
    (
        "POST",
        "/graphql",
        "some of these routes as MLflow's page asks for them: the fields that it names, of several at once",
    ),
    ("GET", "/health", "OK"),
    ("GET", "/version", "the release of MLflow whose protocol is spoken"),
)
_HEAD = """# Routes of MLflow's protocol that are answered

Made by `python -m faena.mlflow.documentation`. Below `/ajax-api` each is answered as below `/api`, and version 2.1 and
so on as 2.0. With the token of a run: *own* is allowed where it names that run or one below it, *limited* is answered
otherwise or checked further, so that nothing else is seen. What is in neither table is answered with 404 and
ENDPOINT_NOT_FOUND.

| | route | token of a run |
|---|---|---|
"""


def table() -> str:
    """The whole file."""
    rows = [
        f"| {route.method} | `/api{route.path}` | {'own' if route.in_run is None else 'limited'} |\n"
        for route in sorted(ROUTES, key=lambda route: (route.path, route.method))
    ]
    others = [f"| {methods} | `{path}` | {what} |\n" for methods, path, what in _ELSEWHERE]
    return _HEAD + "".join(rows) + "\n| | route | |\n|---|---|---|\n" + "".join(others)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(table())
