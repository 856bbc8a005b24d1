"""Wire types of people and their tokens."""

from __future__ import annotations

from msgspec import Struct

from faena.kernel.hidden import hiding


class PersonIn(Struct, frozen=True, forbid_unknown_fields=True):
    role: str
    """`reader`, `contributor` or `owner`."""


class PersonView(Struct, frozen=True):
    name: str
    role: str
    created_at: int
    used_at: int | None = None
    """When they were last here, by a token or in a browser, to the minute; None: never."""


class TokenIn(Struct, frozen=True, forbid_unknown_fields=True):
    label: str = ""
    """What it is for."""
    days: float | None = 90
    """After which it is good for nothing; None: it does not end."""
    role: str = ""
    """Where it may do less than its person; empty: what the person may."""


class TokenView(Struct, frozen=True):
    id: str
    person: str
    label: str
    role: str
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
    used_at: int | None = None
    token: str = ""
    """Itself: in the answer to who made it, and never again."""

    __repr__ = hiding("token")


class Me(Struct, frozen=True):
    """Who asks."""

    name: str
    """Empty: who is on the server's host, by its socket."""
    role: str
    workspace: str


class Sharing(Struct, frozen=True):
    """Who sees an experiment, and who may change it."""

    experiment: str
    owner: str
    """Who made it, or was given it; empty: nobody, or somebody of the server's host."""
    private: bool
    """Whether it is not there for others, but for owners of the workspace."""
    people: dict[str, str]
    """With whom it is shared while it is private: roles by person. Nobody may more than in the workspace."""
    may_change: bool = False
    """Whether whoever asks may share it."""


class SharingChange(Struct, frozen=True, forbid_unknown_fields=True):
    private: bool | None = None
    """None: as it is."""
    add: dict[str, str] = {}
    """Roles by person."""
    remove: list[str] = []
    owner: str | None = None
    """Whose it is from then on; None: as it is, and where it is nobody's, the caller's."""


class AuditEntry(Struct, frozen=True):
    """What somebody asked that changes something, and how it was answered."""

    number: int
    at: int
    person: str
    token: str
    verb: str
    path: str
    status: int
    address: str
