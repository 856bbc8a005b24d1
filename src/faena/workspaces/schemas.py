"""Wire types of the workspace."""

from __future__ import annotations

from msgspec import Struct


class VersionView(Struct, frozen=True):
    package: str
    wire: int


class WorkspaceView(Struct, frozen=True):
    id: str
    name: str
    folder: str
    """On the server's host."""


class ExperimentView(Struct, frozen=True):
    name: str
    created_at: int
    runs: int
    archived_at: int | None = None


class ExperimentChange(Struct, frozen=True, forbid_unknown_fields=True):
    archived: bool
