"""What MLflow's clients are told when something is wrong: a code, a message, and a status that says whether to retry.

A client repeats what is answered with 429 or 5xx for four minutes, so nothing that stays wrong may be one of these.
"""

from __future__ import annotations

import json
from typing import Any

from faena.kernel.errors import (
    AuthenticationException,
    Conflict,
    FaenaError,
    ModelNotFoundException,
    NotFound,
    StorageFull,
    WorkspaceGone,
)

INVALID = "INVALID_PARAMETER_VALUE"
EXISTS = "RESOURCE_ALREADY_EXISTS"
MISSING = "RESOURCE_DOES_NOT_EXIST"
NO_ENDPOINT = "ENDPOINT_NOT_FOUND"
"""A path that this server does not know: clients then do without what it would give. Never said of a thing."""
_STATUS = {
    INVALID: 400,
    "BAD_REQUEST": 400,
    EXISTS: 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    MISSING: 404,
    NO_ENDPOINT: 404,
    "RESOURCE_CONFLICT": 409,
    "REQUEST_LIMIT_EXCEEDED": 429,
    "INTERNAL_ERROR": 500,
    "NOT_IMPLEMENTED": 501,
    "TEMPORARILY_UNAVAILABLE": 503,
}
_LONGEST_SHOWN = 200
"""Characters of a value that a message shows."""
_DOCUMENTED = " See the API docs for more information about request parameters."


class MlflowError(Exception):
    """`code`: one of MLflow's words, which says the status, too, unless it is told."""

    def __init__(self, message: str, code: str = INVALID, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or _STATUS[code]


def missing_value(name: str) -> MlflowError:
    """In the words that clients' own tests look for."""
    return MlflowError(f"Missing value for required parameter '{name}'.{_DOCUMENTED}")


def invalid_value(name: str, value: Any, hint: str = "") -> MlflowError:
    """In the words that clients' own tests look for. `hint`: what would be valid."""
    if isinstance(value, list | str):  # of a whole body each letter would be written down, and thrown away
        value = value[: _LONGEST_SHOWN + 1]
    shown = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    if len(shown) > _LONGEST_SHOWN:
        shown = f"{shown[:_LONGEST_SHOWN]}..."
    told = f": {hint}" if hint else "."
    return MlflowError(f"Invalid value {shown} for parameter '{name}' supplied{told}{_DOCUMENTED}")


def of_ours(error: FaenaError) -> MlflowError:
    """An error of ours in MLflow's words."""
    match error:
        case NotFound() | ModelNotFoundException():
            return MlflowError(error.message, MISSING)
        case Conflict():
            return MlflowError(error.message, EXISTS)
        case AuthenticationException():
            return MlflowError(error.message, "PERMISSION_DENIED")
        case StorageFull() | WorkspaceGone():  # a process that leaves: the next one answers
            return MlflowError(error.message, "TEMPORARILY_UNAVAILABLE")
    code = INVALID if 400 <= error.status < 500 else "TEMPORARILY_UNAVAILABLE"
    return MlflowError(error.message, code)
