"""Where MLflow's clients find the run of a script, and by which token."""

from __future__ import annotations

from typing import Any

from faena.attempts.api import ServerApi
from faena.attempts.key import AttemptKey
from faena.attempts.redaction import Redaction
from faena.kernel.errors import UserErrorException

TOKEN = "token of the run"
"""What it is called among the secrets of the script: no secret of a workspace can be."""


def open_to(api: ServerApi, key: AttemptKey, redaction: Redaction) -> Any:
    """The server's `url`, the `token` and the `experiment_id`. Raises UserErrorException on a machine elsewhere."""
    if not api.shares_files:
        raise UserErrorException(
            "MLflow's clients reach the workspace's server from its own host only, and this node is elsewhere. Give "
            "the run MLFLOW_TRACKING_URI of a server that is reached from here, or log with Faena's Run."
        )
    found = api.call("POST", "/door/runs", {"run_id": key.run_id, "attempt": key.attempt})
    redaction.learn({TOKEN: found["token"]})  # before the script has it
    return found
