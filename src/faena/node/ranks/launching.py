"""What the launcher of a node knows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faena.node.ranks.children import Children
from faena.node.ranks.exchange import Exchange
from faena.node.ranks.plan import Rank


@dataclass(frozen=True)
class Launch:
    folder: Path
    """The attempt's."""
    asked: dict[str, Any]
    ranks: list[Rank]
    """Of the whole run."""
    exchange: Exchange
    children: Children

    @property
    def node(self) -> int:
        return int(self.asked["node"])

    @property
    def nodes(self) -> int:
        return int(self.asked["node_count"])

    @property
    def own(self) -> list[Rank]:
        return [rank for rank in self.ranks if rank.node == self.node]

    @property
    def numbers(self) -> list[int]:
        return [rank.number for rank in self.own]

    def address(self, node: int) -> str:
        return str(self.asked["addresses"][node])


class Refused(Exception):
    """Why no rank was started."""
