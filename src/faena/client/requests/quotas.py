"""What is asked about quotas."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from faena.client.wire import encode
from faena.kernel.transport import Transport
from faena.runs.quotas.schemas import Amounts, QuotaChange, QuotaView


class QuotaApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self) -> list[QuotaView]:
        """Who may use how much, and what they use: all who have a quota, and persons who use something."""
        return msgspec.json.decode(self._transport.request("GET", "/quotas").data, type=list[QuotaView])

    def set(
        self,
        *,
        person: str = "",
        experiment: str = "",
        everybody: bool = False,
        nodes: int | None = None,
        node_hours: float | None = None,
        bytes: int | None = None,  # noqa: A002  as the limit is called
    ) -> QuotaView:
        """Set limits of a person, an experiment, or of each person who has no limit of their own. For owners.

        `nodes`: at once. `node_hours`: in a calendar month of UTC. `bytes`: kept of runs. None: as it is.
        """
        limits: dict[str, float | None] = {"nodes": nodes, "node_hours": node_hours, "bytes": bytes}
        given = {name: value for name, value in limits.items() if value is not None}
        return self._change(QuotaChange(given, [], person, experiment, everybody))

    def lift(
        self,
        *limits: str,
        person: str = "",
        experiment: str = "",
        everybody: bool = False,
    ) -> QuotaView:
        """Set these limits no more, `nodes`, `node_hours` or `bytes`; none named: all. For owners."""
        lifted: Sequence[str] = limits or Amounts.__struct_fields__
        return self._change(QuotaChange({}, [*lifted], person, experiment, everybody))

    def _change(self, wanted: QuotaChange) -> QuotaView:
        answer = self._transport.request("PATCH", "/quotas", encode(wanted))
        return msgspec.json.decode(answer.data, type=QuotaView)
