"""Calls what features have added to a list, in the transaction in which something happened."""

from __future__ import annotations

import logging
from typing import Concatenate, ParamSpec

from faena.db.failures import OF_DATABASE
from faena.db.transactions import Write
from faena.kernel.hooks import Hooks

P = ParamSpec("P")

_log = logging.getLogger(__name__)


def call_all(
    hooks: Hooks[Concatenate[Write, P], None], write: Write, *arguments: P.args, **options: P.kwargs
) -> None:
    """One that fails leaves nothing and is logged: what happened has happened, whatever a feature makes of it.

    Raises what is wrong with the database or its disk.
    """
    for hook in hooks:
        try:
            with write.apart():
                hook(write, *arguments, **options)
        except OF_DATABASE:
            raise
        except Exception:  # noqa: BLE001  a defect of one feature keeps no run from its end
            _log.exception("%s.%s failed", hook.__module__, hook.__qualname__)
