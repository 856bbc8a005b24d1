"""Wire types of exported runs."""

from __future__ import annotations

from msgspec import Struct


class ExportRequest(Struct, frozen=True, forbid_unknown_fields=True):
    folder: str
    """On the server's host: an absolute path of nothing, or of an empty folder."""
    children: bool = False
    """Whether the runs below it are exported with it, in `children/<id>`."""


class ExportView(Struct, frozen=True):
    run: str
    folder: str
    files: int
    """With those of its children."""
    size: int
    """Bytes."""
    children: list[str]
    """Those that went with it."""
    left_out: int
    """Runs below it that did not."""


class ImportRequest(Struct, frozen=True, forbid_unknown_fields=True):
    folder: str
    """On the server's host: an absolute path."""


class ImportView(Struct, frozen=True):
    run: str
    experiment: str
    number: int
    """In this workspace: another one than it had, where that was taken."""
    imported: list[str]
    """Runs that are new here; empty when all were here already, the same."""
    models: list[str]
    """`name:version` of the models that these runs made where they come from; models are not imported."""
    left_out: int
    """Runs below it that were not exported with it."""
