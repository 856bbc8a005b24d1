"""Which right MLflow's requests ask of a person: to look, to add and change, or to delete what is not taken back."""

from __future__ import annotations

import re
from typing import Any

from litestar import Request

from faena.kernel.rights import Right
from faena.mlflow import paths
from faena.mlflow.errors import MlflowError
from faena.people.callers import caller_of

_FILES = "/2.0/mlflow-artifacts/"
_TAKEN_BACK = re.compile(
    r".*/(tags(/.*)?|delete-tag|alias|delete-experiment-tag)|.*/(experiments|runs)/delete"
)
"""What is deleted so can be set again as it was, or restored."""
_DELETING = re.compile(r".*/delete[a-z-]*")


def asked_of_people(method: str, path: str) -> Right:
    """`path`: below `/api`, or one that lies elsewhere."""
    if method in ("GET", "HEAD") or paths.only_looks(method, path):
        return Right.READ
    if path.startswith(_FILES):  # whatever a file is called
        return Right.OWN if method == "DELETE" else Right.CONTRIBUTE
    if _TAKEN_BACK.fullmatch(path) or not (method == "DELETE" or _DELETING.fullmatch(path)):
        return Right.CONTRIBUTE
    return Right.OWN


def check(request: Request[Any, Any, Any], path: str) -> None:
    """Raises MlflowError where a person asks who may not; silent where nobody is known by a token of their own."""
    if (caller := caller_of(request)) is None:
        return
    asked = asked_of_people(request.method, path)
    if caller.role.right < asked:
        raise MlflowError(
            f"{caller.person}'s token is one of a {caller.role}, too little for {request.method} {path[:200]}. "
            "Ask an owner of the workspace.",
            "PERMISSION_DENIED",
        )
