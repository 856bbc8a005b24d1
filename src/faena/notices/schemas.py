"""Wire types of notices. Times are microseconds since the epoch, UTC."""

from __future__ import annotations

from msgspec import Struct

from faena.kernel.hidden import hiding


class RuleIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is to be told of ends of runs. One of `webhook`, `mail` and `command` is given."""

    webhook: str = ""
    mail: str = ""
    command: str = ""
    """Of the server's host: for who is on it."""
    experiment: str | None = None
    """None: of all."""
    ends: tuple[str, ...] = ()
    """States such as `Failed`; empty: all in which runs end."""
    below: bool = False
    """Also runs below others, such as trials of sweeps."""

    __repr__ = hiding("webhook", "command")


class RuleView(Struct, frozen=True):
    id: str
    owner: str
    """Empty: who is on the server's host."""
    way: str
    """`webhook`, `mail` or `command`."""
    to: str
    """Without what may be secret in it."""
    experiment: str | None
    ends: tuple[str, ...]
    below: bool
    created_at: int
    key: str = ""
    """What a webhook's requests are signed with: in the answer to who made the rule, and never again."""
    warning: str = ""
    """Why nothing will come as it is now: in the answer to who made the rule. Empty: nothing speaks against it."""

    __repr__ = hiding("key")


class NoticeView(Struct, frozen=True):
    id: str
    rule: str
    run_id: str
    status: str
    tries: int
    created_at: int
    due_at: int | None
    """When it is tried next; None: it was brought, or given up."""
    sent_at: int | None
    failure: str | None
    """Why the last try failed."""


class Told(Struct, frozen=True):
    """What came of a trial."""

    failure: str | None = None
    """Why it failed; None: it came."""
