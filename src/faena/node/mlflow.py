"""Where MLflow's clients find the run of a script, and by which token."""

from __future__ import annotations

import threading
from typing import Any

from faena.attempts.api import ServerApi
from faena.attempts.key import AttemptKey
from faena.attempts.redaction import Redaction
from faena.kernel.errors import UserErrorException
from faena.kernel.transport import segment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from faena.node.relay.relay import Relay

TOKEN = "token of the run"
"""What it is called among the secrets of the script: no secret of a workspace can be."""


class Door:
    """Of one attempt. Shut until something in it imports MLflow."""

    def __init__(self, api: ServerApi, key: AttemptKey, redaction: Redaction) -> None:
        self._api = api
        self._key = key
        self._redaction = redaction
        self._relay: Relay | None = None
        self._turn = threading.Lock()

    def open(self) -> dict[str, Any]:
        """The `url`, the `token` and the `experiment_id`. On a machine elsewhere the address is one of its own.

        Raises UserErrorException where nothing can listen there.
        """
        found = tokens(self._api, self._key, self._redaction)
        if self._api.shares_files:
            return found
        with self._turn:
            if self._relay is None:
                from faena.node.relay.relay import Relay  # with what few scripts need

                try:
                    self._relay = Relay(self._api, self._key, found["token"])
                except OSError as error:
                    raise UserErrorException(
                        f"nothing can listen for MLflow's clients on this machine: {error.strerror or error}."
                    ) from error
            return {**found, "url": self._relay.url}

    def close(self) -> None:
        with self._turn:
            if self._relay is not None:
                self._relay.close()


def tokens(api: ServerApi, key: AttemptKey, redaction: Redaction) -> dict[str, Any]:
    """The same, without an address on a machine elsewhere."""
    if api.shares_files:
        found = api.call("POST", "/door/runs", {"run_id": key.run_id, "attempt": key.attempt})
    else:
        found = api.call("POST", f"/door/runs/{segment(key.run_id)}/{key.attempt}/{key.rank}")
    redaction.learn({TOKEN: found["token"]})  # before the script has it
    answer: dict[str, Any] = found
    return answer
