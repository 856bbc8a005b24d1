"""Wire types of models."""

from __future__ import annotations

from msgspec import Struct, field

from faena.kernel.on_host import HostFile
from faena.runs.submission_schemas import DataInput


class DatasetUse(Struct, frozen=True, forbid_unknown_fields=True):
    """A dataset that a model was made with. `name` says for what: training, validation…"""

    name: str
    id: str


class Registration(Struct, frozen=True, forbid_unknown_fields=True):
    """Register files of a run. `path`: one file, or a folder of them, by their names in the run."""

    run_id: str
    path: str
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    framework: str = ""
    framework_version: str = ""
    datasets: tuple[DatasetUse, ...] = ()
    is_kept: bool = False
    """Whoever asks has had the files kept with the run: the folder of one that goes on is not looked at."""


class SentFile(Struct, frozen=True, forbid_unknown_fields=True):
    """An object, and what it is called in the model."""

    path: str
    digest: str


class SentRegistration(Struct, frozen=True, forbid_unknown_fields=True):
    """Register files whose bytes were sent. `path`: where they were, for people."""

    path: str
    files: tuple[SentFile, ...]
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    framework: str = ""
    framework_version: str = ""
    datasets: tuple[DatasetUse, ...] = ()


class LocalRegistration(Struct, frozen=True, forbid_unknown_fields=True):
    """Register a file or folder of the server's own host. `path` is absolute."""

    path: HostFile
    child_paths: tuple[str, ...] = ()
    """Of a folder these files and folders only, relative to it; empty: all of it."""
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    framework: str = ""
    framework_version: str = ""
    datasets: tuple[DatasetUse, ...] = ()


class ModelChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What may change about a version. Properties are only ever added to."""

    description: str | None = None
    tags: dict[str, str] | None = None
    """Instead of those that it has."""
    add_tags: dict[str, str] = field(default_factory=dict)
    remove_tags: tuple[str, ...] = ()
    add_properties: dict[str, str] = field(default_factory=dict)
    datasets: tuple[DatasetUse, ...] = ()
    """Instead of those that were used for the same."""
    add_datasets: tuple[DatasetUse, ...] = ()


class AliasChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The version that an alias is to mean."""

    version: int


class StageChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The stage that a version is to have; empty or `None`: none."""

    stage: str
    archive_others: bool = False
    """Versions that are in this stage go to Archived."""


class ModelNameView(Struct, frozen=True):
    """A model as such, whatever its versions."""

    name: str
    created_at: int
    changed_at: int
    description: str
    tags: dict[str, str]
    versions: int


class ModelFileView(Struct, frozen=True):
    path: str
    size: int
    digest: str


class LineageView(Struct, frozen=True):
    """The run that made a model, and what that run was made of."""

    run_id: str
    experiment: str
    script: str
    snapshot: str
    """Digest of the source folder."""
    lock: str | None
    """Digest of the environment's lock."""
    commit: str | None
    inputs: tuple[DataInput, ...]
    """Data that the run was given."""


class ModelView(Struct, frozen=True):
    id: str
    """`name:version`"""
    name: str
    version: int
    run_id: str | None
    experiment: str | None
    path: str
    """What was registered: the path in the run's files, or on the machine where there was no run."""
    created_at: int
    description: str
    tags: dict[str, str]
    properties: dict[str, str]
    framework: str
    framework_version: str
    datasets: tuple[DatasetUse, ...]
    lineage: LineageView | None
    size: int
    """Bytes of all files."""
    files: list[ModelFileView]
    aliases: tuple[str, ...] = ()
    """Names that mean this version now, in their order."""
    stage: str = ""
    """Staging, Production or Archived; empty: none of these."""
    source: str = ""
    """Where its files came from, as an address that another registry's client gave; empty: nobody did."""
