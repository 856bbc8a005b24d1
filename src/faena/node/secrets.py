"""Secrets that a script was given, for whoever goes on with its attempt."""

from __future__ import annotations

from faena.attempts.api import ServerApi
from faena.attempts.key import AttemptKey
from faena.attempts.outputs import insist
from faena.attempts.records import UnreadableRecord
from faena.attempts.redaction import Redaction
from faena.kernel.errors import FaenaError, ServerUnreachable
from faena.node import mlflow, notes


def hide_again(redaction: Redaction, api: ServerApi, key: AttemptKey) -> list[dict[str, str]]:
    """Learn the values of those that the runner before had given; a note where some cannot be had any more."""
    try:
        given = redaction.names()
        names = [name for name in given if name != mlflow.TOKEN]
        found = insist(lambda: api.ask("get_secrets", key.run_id, {"names": names})) if names else {}
        if mlflow.TOKEN in given:
            insist(lambda: mlflow.tokens(api, key, redaction))
    except ServerUnreachable:
        raise  # whoever adopts tries again
    except (UnreadableRecord, FaenaError) as error:
        return [notes.secrets_shown(key, str(error))]
    redaction.learn(found)
    gone = [name for name in names if found.get(name) is None]
    return [notes.secrets_shown(key, f"{', '.join(gone[:5])} was deleted meanwhile.")] if gone else []
