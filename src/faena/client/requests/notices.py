"""What is asked about notices on the ends of runs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from faena.client.wire import encode
from faena.kernel.transport import Transport, segment
from faena.notices.schemas import NoticeView, RuleIn, RuleView, Told

_TRYING = 120.0
"""Seconds that a trial may take."""


class NoticeApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def rules(self) -> list[RuleView]:
        """One's own; an owner's: those of all."""
        return msgspec.json.decode(self._transport.request("GET", "/notices/rules").data, type=list[RuleView])

    def add(
        self,
        *,
        webhook: str = "",
        mail: str = "",
        command: str = "",
        experiment: str | None = None,
        on: Sequence[str] = (),
        below: bool = False,
    ) -> RuleView:
        """Have one of a webhook (a URL), a mail (an address) or a command (of the server's own host) told of ends.

        `experiment`: None: of all. `on`: states such as `Failed`; none: every end. `below`: also runs below others, as
        trials of sweeps. The answer has the key that a webhook's requests are signed with, which is told this once.
        """
        asked = RuleIn(webhook, mail, command, experiment, tuple(on), below)
        answer = self._transport.request("POST", "/notices/rules", encode(asked))
        return msgspec.json.decode(answer.data, type=RuleView)

    def remove(self, rule_id: str) -> None:
        self._transport.request("DELETE", f"/notices/rules/{segment(rule_id)}")

    def try_(self, rule_id: str) -> Told:
        """Bring a notice of the latest run that ended; what came of it."""
        path = f"/notices/rules/{segment(rule_id)}/try"
        return msgspec.json.decode(self._transport.request("POST", path, timeout=_TRYING).data, type=Told)

    def latest(self, most: int = 50) -> list[NoticeView]:
        """What was told lately, and what waits, the latest first; 200 at most."""
        answer = self._transport.request("GET", f"/notices?most={most}")
        return msgspec.json.decode(answer.data, type=list[NoticeView])
