"""Wire types of environments."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Struct, field

from faena.kernel import asker
from faena.kernel.on_host import OnHost

_WHEELS = "Give the page's https address, or name the wheels in it, whose bytes are sent."


def is_of_host(place: str) -> bool:
    """Whether it is a folder, by its path or as a file URL."""
    return place.startswith("/") or place.lower().startswith("file:")


class IndexRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A package index that is asked before the default one. Credentials in `url` serve the build and are kept
    nowhere; `name` names the variables `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD` that may hold them instead."""

    url: Annotated[str, OnHost(_WHEELS, counts=is_of_host)]
    name: str = ""
    default: bool = False
    """It stands in the default one's place, as pip's `--index-url` says."""


class PipOptions(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the option lines of requirement files say, other than indexes."""

    constraints: tuple[str, ...] = ()
    """Requirements that hold where something needs the package (`-c`)."""
    find_links: tuple[Annotated[str, OnHost(_WHEELS, counts=is_of_host)], ...] = ()
    """URLs of pages or absolute folders that list files; they hold no credentials."""
    no_index: bool = False
    pre: bool = False
    """Pre-releases are taken as well."""
    no_binary: tuple[str, ...] = ()
    """Names of packages that are built from source; `:all:` is every one."""
    only_binary: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    """`host` or `host:port`, whose certificate is not looked at."""
    hashes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """`sha256:…` by name: no other file of that package is installed."""
    require_hashes: bool = False


class ArchiveRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A package that the submitter had as a file or a folder, as `environments.archives` keeps it."""

    filename: str
    digest: str
    """SHA-256 of its bytes."""
    name: str = ""
    """The distribution's name, where it was told; empty: it says so itself."""
    extras: tuple[str, ...] = ()
    marker: str = ""
    given: str = ""
    """How the submitter named it: './pkg'."""


class EnvironmentRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What an environment is asked to be; the fields are those of `faena.environments.model.EnvironmentSpec`.

    It is checked by the server, so that a client need not load what checks it.
    """

    python: str | None = None
    packages: tuple[str, ...] = ()
    framework: str | None = None
    framework_version: str | None = None
    interpreter: str | None = None
    conda_packages: tuple[str, ...] = ()
    index_urls: tuple[IndexRequest, ...] = ()
    client_python: str = field(default_factory=asker.minor)
    """Minor version of whoever makes the request."""
    pip: PipOptions = field(default_factory=PipOptions)
    archives: tuple[ArchiveRequest, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences for the build log: what the client left out, and why."""
    as_of: str = ""
    """Packages as they were at the end of that day (UTC): an ISO date; `auto`; `today`, which is no date. Empty: the
    experiment's default, the workspace's, or `as_of_else`."""
    as_of_else: str = ""
    """The date that the submitter's `UV_EXCLUDE_NEWER` says."""
    undated: tuple[str, ...] = ()
    """Names of packages whose files need not be of that date, such as those of an index that tells no dates."""
    script_date: str = ""
    """When the script was last changed, as its history says; for `auto`. Empty: it is not known."""


class EnvironmentDefinition(Struct, frozen=True, forbid_unknown_fields=True):
    """What is registered under a name."""

    request: EnvironmentRequest
    """Its `client_python` is empty and its indexes hold no credentials."""
    environment_variables: dict[str, str] = field(default_factory=dict)
    sections: dict[str, Any] = field(default_factory=dict)
    """v1's sections as the client wrote them, for it to read again."""


class EnvironmentView(Struct, frozen=True):
    name: str
    version: int
    created_at: int
    definition: EnvironmentDefinition


class BuiltView(Struct, frozen=True):
    """An environment on this machine, or what is remembered of a build that failed."""

    digest: str
    """Of its lock; of what was asked, where that could not be resolved."""
    state: Literal["ready", "building", "half-made", "failed"]
    python: str
    requirements: list[str]
    """Exact versions, without hashes."""
    bytes_used: int
    """On disk; files that are hard links into uv's cache count in full."""
    last_used: int
    """Microseconds since the epoch; when it failed, where it did."""
    held_by: str = ""
    """Why it cannot be removed now: `a process` that uses it, `a build`, `a run that waits`; empty: it can."""
    cause: str = ""
    """Why the last build failed."""


class PruneRequest(Struct, frozen=True, forbid_unknown_fields=True):
    digests: tuple[str, ...] = ()
    """These, whenever they were used last; each the whole digest or at least 6 characters of it. Empty: by age."""
    unused_days: float = 30.0
    """Those that nothing used for so many days. What an interrupted build left goes in any case."""
    dry_run: bool = False


class PruneView(Struct, frozen=True):
    removed: list[BuiltView]
    """With `dry_run`: what would be."""
    kept: list[BuiltView]
    """What was to go and is held."""
    bytes_freed: int


class BuildRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Build what is asked for, or anew what a run had. Exactly one of `environment` and `lock` is given."""

    environment: EnvironmentRequest | None = None
    lock: str = ""
    """Digest of a lock that a run of this workspace has."""


class BuildView(Struct, frozen=True):
    state: Literal["running", "ready", "failed"]
    text: str
    """The build's log from the offset that was asked for."""
    offset: int
    """Where the log goes on, in bytes."""
    digest: str = ""
    python: str = ""
    message: str = ""
    """Why it failed."""


class LockView(Struct, frozen=True):
    """Exact versions that an environment holds, for whoever makes it elsewhere."""

    digest: str
    built: bool
    """False: an interpreter was used as it is, and nothing is known of its packages."""
    python: str
    """`3.11.7`"""
    platform: str
    requirements: str
    """With hashes, in the form of a requirements file."""
    build_constraints: tuple[str, ...]
    index_urls: tuple[str, ...]
    """Asked before the default one; the first is the default itself where `has_default`."""
    has_default: bool
    pip: PipOptions
    archives: tuple[ArchiveRequest, ...]
