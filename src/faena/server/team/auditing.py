"""The audit log: a row for each request of a person that may change something, kept with what it changes."""

from __future__ import annotations

import logging
from concurrent.futures import Future

import msgspec
from litestar.types import HTTPScope

from faena.db import Database, Write
from faena.db.deeds import Deed
from faena.kernel.clock import Micros
from faena.people import store
from faena.people.model import Caller
from faena.people.schemas import AuditEntry

_log = logging.getLogger(__name__)
_LONGEST_PATH = 2000
_AS_A_RULE = 200
"""What is written where nothing is answered yet: in most cases it need not be changed afterwards."""


class Noted:
    """One request."""

    def __init__(self, database: Database, scope: HTTPScope, caller: Caller, now: Micros) -> None:
        client = scope.get("client") or ("", 0)
        query = scope["query_string"].decode("latin-1")  # of some routes it says what is meant
        path = (str(scope["path"]) + (f"?{query}" if query else ""))[:_LONGEST_PATH]
        verb = str(scope["method"])[:8]
        address = str(client[0])[:64]
        self._entry = AuditEntry(0, now, caller.person, caller.token, verb, path, _AS_A_RULE, address)
        self._database = database
        self.deed = Deed(lambda write: store.add_entry(write, self._entry))

    def answered(self, status: int) -> None:
        """The row says so, a moment later; where nothing was changed, there is one from then on."""
        self.deed.end()
        number, entry = self.deed.number, msgspec.structs.replace(self._entry, status=status)
        if number is not None and status == _AS_A_RULE:
            return

        def tell(write: Write) -> None:
            if number is None:
                store.add_entry(write, entry)
            else:
                store.set_status(write, number, status)

        def told(written: Future[None]) -> None:
            if (failure := written.exception()) is not None:
                _log.error("%s is not in the audit log: %s", entry, failure)

        self._database.submit_write(tell).add_done_callback(told)
