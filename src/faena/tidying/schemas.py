"""Wire types of deletions, retention rules and disk use."""

from __future__ import annotations

from msgspec import Struct

from faena.kernel.user_names import UserName


class DeletionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to go. Runs go with the runs that they started."""

    runs: tuple[str, ...] = ()
    filter: str | None = None
    """All runs that this means, in the language of docs/filters.md."""
    experiments: tuple[str, ...] = ()
    """All runs of these."""
    models: tuple[str, ...] = ()
    """`name:version`, or `name` for all its versions."""
    part: str = "all"
    """Of the runs: `all`, or only their `outputs` (files that are no logs) or `logs`."""
    dry_run: bool = False
    """Say what would go, and change nothing."""
    user: UserName = ""


class DeletionView(Struct, frozen=True):
    id: int | None
    """What `undelete` takes; None after a dry run."""
    what: str
    size: int
    """Bytes that collecting it frees: what nothing else refers to."""
    user: str
    at: int
    until: int
    """When it is collected at the earliest: until then it can be undone."""
    nothing: bool = False
    """What was meant holds nothing that could be deleted."""
    given_to: tuple[str, ...] = ()
    """Other runs that were given files of these: they cannot be run again, and those that wait will fail."""


class CollectionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    now: bool = False
    """Also what could still be undone."""
    dry_run: bool = False


class CollectionView(Struct, frozen=True):
    deletions: list[DeletionView]
    """What can no longer be undone."""
    objects: int
    size: int
    """Bytes of objects that are gone."""
    waiting: int
    """Bytes that nothing refers to any more, but that were put too recently: they go a day later."""


class KeepBest(Struct, frozen=True, forbid_unknown_fields=True, tag_field="keeps", tag="outputs"):
    """Of each experiment, outputs of the best runs only. Runs without the value that decides keep theirs."""

    best: int
    by: str
    """What decides, as a list is sorted: `-metrics.Accuracy` (the largest is best), `metrics.loss` (the smallest)."""
    experiment: str | None = None
    filter: str | None = None
    days: float = 0
    """Only of runs that ended so long ago."""


class KeepLogs(Struct, frozen=True, forbid_unknown_fields=True, tag_field="keeps", tag="logs"):
    """Logs of runs for so many days after their end."""

    days: float
    experiment: str | None = None
    filter: str | None = None


class KeepRuns(Struct, frozen=True, forbid_unknown_fields=True, tag_field="keeps", tag="runs"):
    """Runs for so many days after their end."""

    days: float
    experiment: str | None = None
    filter: str | None = None


class KeepEnvironments(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="keeps", tag="environments"
):
    """So many bytes of environments on this machine at most: those unused longest go first."""

    size: int


class KeepOfLog(Struct, frozen=True, forbid_unknown_fields=True, tag_field="keeps", tag="log-size"):
    """So many bytes of each log at most: its beginning. Holds for what is written from now on."""

    size: int


class KeepAudit(Struct, frozen=True, forbid_unknown_fields=True, tag_field="keeps", tag="audit"):
    """Rows of a shared server's audit log for so many days."""

    days: float


AnyRule = KeepBest | KeepLogs | KeepRuns | KeepEnvironments | KeepOfLog | KeepAudit


class Applied(Struct, frozen=True):
    """What a rule took away, or would."""

    rule: str
    what: str
    size: int
    deletion: int | None = None
    """What `undelete` takes."""


class RuleView(Struct, frozen=True):
    name: str
    rule: AnyRule
    created_at: int
    goes: Applied | None = None
    """What it would take away if it were applied now, as a rule that has just been put says."""


class ShareView(Struct, frozen=True):
    """Bytes of one experiment, run or model, as if nothing were shared with others."""

    name: str
    runs: int
    files: int
    logs_and_metrics: int


class PlaceView(Struct, frozen=True):
    """Bytes on disk of one place."""

    name: str
    size: int
    path: str = ""


class UsageView(Struct, frozen=True):
    places: list[PlaceView]
    experiments: list[ShareView]
    runs: list[ShareView]
    """The largest."""
    models: list[ShareView]
    deleted: int
    """Bytes that deletions free which can still be undone."""
    unneeded: int
    """Bytes of objects that nothing refers to."""
