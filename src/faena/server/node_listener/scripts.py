"""What MLflow's clients of a script ask on another machine: its node passes it on, below the attempt's own paths.

It is answered as what comes with the token of that run by the gateway is: for that run, and on MLflow's paths alone.
"""

from __future__ import annotations

from litestar.types import HTTPScope

from faena.attempts.key import AttemptKey
from faena.mlflow import paths
from faena.mlflow.run_tokens import OF_A_RUN, RunOfToken

_BELOW = "/mlflow/"
_PARTS = len(("", "attempts", "run", "attempt", "rank", "mlflow"))


def is_passed_on(path: str, attempt: str) -> bool:
    """Whether a request with the token of this attempt, by name, is one of its script's."""
    return path.startswith(f"/attempts/{attempt}{_BELOW}")


def turn_into_the_scripts(scope: HTTPScope, attempt: str) -> bool:
    """Have the request be what the script asked; False, and to be refused, where that is none of MLflow's paths."""
    path = scope["path"].removeprefix(f"/attempts/{attempt}{_BELOW[:-1]}")
    if not paths.is_one(path):
        return False
    raw = scope.get("raw_path") or scope["path"].encode()
    scope["path"] = path
    scope["raw_path"] = b"/" + raw.split(b"/", _PARTS)[_PARTS]
    key = AttemptKey.of_name(attempt)
    scope["state"][OF_A_RUN] = RunOfToken(key.run_id, key.attempt)
    return True
