"""The end of a run's log, as its page shows it first."""

from __future__ import annotations

from msgspec import Struct

from faena.db import Read
from faena.kernel.file_names import log_precedence
from faena.objects.contract import ObjectFiles
from faena.server.pages import console
from faena.server.pages.rendering import file_address, run_address, with_query
from faena.tracking import query
from faena.tracking.model import LogFile

_BYTES = 64 << 10
"""Of a log's end that are shown; the rest is a click away."""


class Log(Struct, frozen=True):
    """The end of a log. `offset`: from which byte on a stream goes on, the open line included."""

    name: str = ""
    chosen: bool = False
    others: tuple[tuple[str, str], ...] = ()
    """Names and addresses of all logs."""
    text: str = ""
    open: str = ""
    offset: int = 0
    size: int = 0
    is_cut: bool = False
    """Whether there is more before."""
    address: str = ""
    """Of the whole log."""


def build(read: Read, objects: ObjectFiles, run_id: str, wanted: str, logs: list[LogFile]) -> Log:
    sizes = {log.name: log.size for log in logs}
    main = max((name for name in sizes if log_precedence(name)[0] >= 0), key=log_precedence, default="")
    name = wanted if wanted in sizes else main or next(iter(sizes), "")
    address = run_address(run_id)
    others = tuple((each, with_query(address, {"log": each})) for each in sorted(sizes))
    if not name:
        return Log()
    part = query.log_text(read, objects, run_id, name, offset=-_BYTES, limit=_BYTES)
    start = part.next_offset - len(part.data)
    data = part.data
    if start > 0:  # the line that begins before is left out
        data = data[data.find(b"\n") + 1 :]
    ended = data[: data.rfind(b"\n") + 1]
    shown = console.shown(ended.decode("utf-8", "replace"))
    left = data[len(ended) :].decode("utf-8", "replace")
    return Log(
        name=name,
        chosen=wanted in sizes,
        others=others,
        text=shown.text,
        open=console.shown(left).open,
        offset=part.next_offset - len(data) + len(ended),
        size=part.size,
        is_cut=start > 0,
        address=file_address(run_id, name),
    )
