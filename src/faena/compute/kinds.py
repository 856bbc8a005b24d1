"""Kinds of clusters."""

from __future__ import annotations

from enum import StrEnum


class ClusterKind(StrEnum):
    """Who starts and ends a cluster's nodes."""

    LOCAL = "local"
    """The server, on its own host, as many as are needed."""
    JOINED = "joined"
    """People, on any machine, by `faena node join`."""
    RAY = "ray"
    """A Ray cluster, which starts as many as the server asks for."""

    @property
    def grows(self) -> bool:
        """Whether it has nodes started when runs wait, and lets idle ones go."""
        return self is not ClusterKind.JOINED
