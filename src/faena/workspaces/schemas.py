"""Wire types of the workspace."""

from __future__ import annotations

from msgspec import Struct, field

from faena.kernel.errors import UserErrorException
from faena.kernel.hidden import hiding

AS_OF_TAG = "faena.as_of"
"""The tag of an experiment that holds the date of its environments."""
LOCATION_TAG = "faena.artifact_location"
"""That which holds where MLflow's clients put the files of its runs, if not here."""
LONGEST_SECRET = 25_000
"""Characters of a value; what Azure's key vault takes."""


def check_secret_length(name: str, value: str) -> None:
    """Before it is sent, too: a body that is too long is refused without being read. Raises UserErrorException."""
    if len(value) > LONGEST_SECRET:
        raise UserErrorException(
            f"The secret {name[:127]!r} has {len(value):,} characters; at most {LONGEST_SECRET:,} are kept. Keep a "
            "file that only you may read, and its path as the secret."
        )


class VersionView(Struct, frozen=True):
    package: str
    wire: int
    started: float = 0.0
    """When this server did, in seconds since 1970; 0: it is an older one, which does not say."""


class WorkspaceView(Struct, frozen=True):
    id: str
    name: str
    folder: str
    """On the server's host."""
    as_of: str = ""
    """The date of environments that name none, and whose experiment has none; empty: packages of today."""


class WorkspaceChange(Struct, frozen=True, forbid_unknown_fields=True):
    as_of: str
    """A date or `auto`; empty: none."""


class DefaultDate(Struct, frozen=True):
    as_of: str
    """A date, `auto` or `today`; empty: none."""


class ExperimentView(Struct, frozen=True):
    name: str
    created_at: int
    runs: int
    """Runs that it ever had: the number of the latest one."""
    archived_at: int | None = None
    tags: dict[str, str] = field(default_factory=dict)
    id: int | None = None
    """Its number, by which MLflow's clients know it; None: from a server that gives none."""
    changed_at: int | None = None
    """When its name, its tags or whether it is archived last changed; None: never."""


class ExperimentChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is None stays as it is."""

    archived: bool | None = None
    add_tags: dict[str, str] = field(default_factory=dict)
    remove_tags: tuple[str, ...] = ()


class GatewayRequest(Struct, frozen=True, forbid_unknown_fields=True):
    port: int | None = None
    """None: the workspace's own, or a free one where that is taken."""
    page: bool = False
    """Whether a browser is handed a file that signs it in, so that the address stands in nobody's arguments."""
    link: bool = False
    """Whether the address is one to click later, and more than once: it lets in the server's own user alone."""
    programs: bool = False
    """Whether it is for programs: they are given the address itself and the token, and the server stays for them."""
    to: str = ""
    """The page that is shown, as the path of its address; empty: the first one."""


class GatewayView(Struct, frozen=True):
    """Where a browser signs in, within so many seconds."""

    url: str
    seconds: float
    page: str = ""
    """The file that goes there, if one was asked for; it goes by itself."""
    token: str = ""
    """What programs show, where the address is for them."""

    __repr__ = hiding("url", "token")


class RunGatewayRequest(Struct, frozen=True, forbid_unknown_fields=True):
    run_id: str
    attempt: int


class RunGatewayView(Struct, frozen=True):
    """Where MLflow's clients of a run's script are answered."""

    url: str
    """Empty for a run on another machine, whose node answers there."""
    token: str
    experiment_id: str
    """As MLflow has it: a number."""

    __repr__ = hiding("token")


class SavedView(Struct, frozen=True):
    id: int
    page: str
    """runs or compare"""
    name: str
    query: str
    """What stands behind the question mark of the page's address."""


class SavedViewIn(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    query: str
    page: str = "runs"


class SavedViewName(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
