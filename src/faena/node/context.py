"""What takes part in bringing one attempt to its end."""

from __future__ import annotations

from typing import Any, NamedTuple

from faena.attempts.api import ServerApi
from faena.attempts.checkpoints import FOLDER as CHECKPOINTS
from faena.attempts.checkpoints import Checkpoints
from faena.attempts.event_files.watching import EventFiles
from faena.attempts.folder import AttemptFolder
from faena.attempts.follow import Follower
from faena.attempts.key import AttemptKey
from faena.attempts.outputs import insist
from faena.attempts.redaction import Redaction
from faena.attempts.upload import Shipper
from faena.node.asked_files import AskedFiles
from faena.node.ranks import plan


class AttemptContext(NamedTuple):
    order: dict[str, Any]
    api: ServerApi
    key: AttemptKey
    folder: AttemptFolder
    follower: Follower
    shipper: Shipper
    checkpoints: Checkpoints
    events: EventFiles
    redaction: Redaction

    @classmethod
    def of(
        cls,
        order: dict[str, Any],
        api: ServerApi,
        key: AttemptKey,
        folder: AttemptFolder,
        rank: int,
        *,
        watched: bool = True,
    ) -> AttemptContext:
        """`watched`: whether somebody follows the run, so that what it writes is to be sent soon."""
        redaction = Redaction(lambda: folder.path)
        follower = Follower(
            folder,
            rank=rank,
            node_count=order["node_count"],
            redaction=redaction,
            processes=plan.processes(order),
        )
        asked = AskedFiles(api, key, folder).hear  # of a server on this host, nobody is
        shipper = Shipper(
            api,
            key,
            follower,
            rank=rank,
            node_count=order["node_count"],
            watched=watched,
            started_at=folder.started_at,
            asked=asked,
        )
        begun = (order.get("checkpoint") or {}).get("files", ())
        checkpoints = Checkpoints(api, key, folder, order.get("checkpoint_folder", CHECKPOINTS), begun)
        events = EventFiles(order, folder)
        return cls(order, api, key, folder, follower, shipper, checkpoints, events, redaction)


def note(api: ServerApi, key: AttemptKey, code: str, message: str, about: str = "") -> None:
    """Something that the reader of the run must know; returns when the server has it."""
    insist(lambda: api.note(key, code, message, about))
