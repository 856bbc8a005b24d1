"""Wire types of what a machine is told of the endpoints that it holds, and of what it says."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from faena.kernel.hidden import hiding
from faena.scoring.status import Status


class WantedEndpoint(Struct, frozen=True):
    """What a machine is to hold. `id`: of the endpoint, from its creation to its deletion."""

    id: str
    prepare: tuple[int, ...]
    """Revisions that are to be made ready."""
    keep: tuple[int, ...]
    """Revisions whose folders are not to be removed."""
    front: dict[str, Any] | None
    """What its front is to be, as `endpoint.json` says it, with paths below the endpoint's folder, without what only
    the machine knows; TLS files by their text. None: no front yet."""

    __repr__ = hiding("front")


class Question(Struct, frozen=True):
    """Something about an endpoint that is asked of its machine."""

    id: str
    endpoint: str
    what: Literal["http", "log", "requests"]
    verb: str = ""
    path: str = ""
    """`http`: what its front is asked, by the machine, with a key."""
    body: str = ""
    """Base64."""
    seconds: float = 0.0
    most: int = 0
    """Bytes of the answer, or requests."""
    revision: int | None = None
    """`log`: whose; None: the front's."""


class Held(Struct, frozen=True):
    """The answer to a machine that asks what it is to hold."""

    version: str
    """Of all that is here but the questions: asked again with it, the answer waits until there is news."""
    endpoints: tuple[WantedEndpoint, ...] = ()
    end: tuple[str, ...] = ()
    """Endpoints that it has and is to end. What is named nowhere stays as it is."""
    questions: tuple[Question, ...] = ()
    report: bool = False
    """Nothing is known of what it has: it is to say so."""


class ModelFiles(Struct, frozen=True):
    name: str
    version: int
    files: tuple[dict[str, Any], ...]
    aliases: tuple[str, ...] = ()


class RevisionNeeds(Struct, frozen=True):
    """What a revision is made of, by digests."""

    snapshot: str
    models: tuple[ModelFiles, ...]
    environment: dict[str, Any]
    """`built`, with `lock`, or an `interpreter` that is there."""
    inherited_variables: dict[str, str] = field(default_factory=dict)
    environment_variables: dict[str, str] = field(default_factory=dict)


class Said(Struct, frozen=True):
    """What a machine says of an endpoint that is on its disk."""

    prepared: tuple[int, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    """Why, by revision."""
    alive: bool = False
    """Whether a front lives."""
    status: Status | None = None
    """What its front says; of one that left, why it cannot be."""


class Report(Struct, frozen=True):
    """By id all endpoints that a machine has."""

    endpoints: dict[str, Said]


class FrontAnswer(Struct, frozen=True):
    """What a front answered its machine; `error`: why it did not."""

    error: str = ""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    size: int = 0
    is_whole: bool = True
    seconds: float = 0.0
