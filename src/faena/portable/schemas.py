"""Wire types of exported runs."""

from __future__ import annotations

from msgspec import Struct

from faena.kernel.on_host import HostFolder


class ExportRequest(Struct, frozen=True, forbid_unknown_fields=True):
    folder: HostFolder
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


class SentFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of an exported run, and the object that has its bytes."""

    path: str
    """In the folder."""
    digest: str
    size: int = 0
    mode: int = 0o644


class ExportWanted(Struct, frozen=True, forbid_unknown_fields=True):
    """Have what an exported run's folder holds sent."""

    children: bool = False


class SentExport(Struct, frozen=True):
    view: ExportView
    """Its folder is none that stays."""
    files: list[SentFile]
    """Objects that stay for a day. In this order: the manifest of each run comes when all that it names has."""


class SentImport(Struct, frozen=True, forbid_unknown_fields=True):
    """A run whose files were sent. `shown`: what errors call their folder."""

    files: list[SentFile]
    shown: str = "The exported run"


class ImportRequest(Struct, frozen=True, forbid_unknown_fields=True):
    folder: HostFolder
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
