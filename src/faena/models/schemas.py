"""Wire types of models."""

from __future__ import annotations

from msgspec import Struct, field


class Registration(Struct, frozen=True, forbid_unknown_fields=True):
    """Register files of a run. `path`: one file, or a folder of them, by their names in the run."""

    run_id: str
    path: str
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)


class ModelFileView(Struct, frozen=True):
    path: str
    size: int
    digest: str


class ModelView(Struct, frozen=True):
    id: str
    """`name:version`"""
    name: str
    version: int
    run_id: str
    experiment: str
    run_path: str
    created_at: int
    description: str
    tags: dict[str, str]
    properties: dict[str, str]
    size: int
    """Bytes of all files."""
    files: list[ModelFileView]
