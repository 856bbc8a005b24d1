"""Metrics that are no plain numbers, as a page shows them: rows, tables, texts, and files that are charts or images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from faena.db import Read
from faena.kernel.errors import FaenaError
from faena.objects.contract import ObjectFiles
from faena.runs.artifact_metrics import file_named
from faena.server.pages.previews import charted, images, tables
from faena.server.pages.previews.plots import Plot
from faena.server.pages.rendering import file_address
from faena.tracking import files as run_files
from faena.tracking import query
from faena.tracking.model import MetricSummary, RunFile

MOST = 40
"""That are shown on one page."""
_MOST_VALUES = 50_000
"""Values of a metric, beyond which it is not looked at."""
_MOST_READ = 8 << 20
"""Bytes of files that are looked at for one page, which is made again and again while a run goes on."""
_MOST_IMAGES = 12
_MOST_ITEMS = 100
_LONGEST = 600
"""Characters of a text."""


class Image(Struct, frozen=True):
    name: str
    address: str
    page: str


class Logged(Struct, frozen=True):
    name: str
    text: str = ""
    table: tables.Table | None = None
    plot: Plot | None = None
    charted: charted.Charted | None = None
    images: tuple[Image, ...] = ()
    file: Image | None = None
    """Of which it is a chart, or a file of another kind."""
    said: str = ""
    """What is left out."""


class _Reader:
    """Reads for one page, within its bounds."""

    def __init__(self, read: Read, objects: ObjectFiles, run_id: str) -> None:
        self.read, self.objects, self.run_id = read, objects, run_id
        self.left = _MOST_READ

    def head(self, file: RunFile) -> bytes:
        """All of a file that may be a chart, as long as there is room; else what tells whether it is an image."""
        with self.objects.open(file.digest) as data:
            head = data.read(images.HEAD)
            if head.lstrip()[:1] == b"{" and file.size <= min(charted.LARGEST, self.left):
                head += data.read(charted.LARGEST)
                self.left -= len(head)
        return head


def build(read: Read, objects: ObjectFiles, run_id: str, metrics: Sequence[MetricSummary]) -> list[Logged]:
    """Of at most `MOST` metrics."""
    reader = _Reader(read, objects, run_id)
    return [_logged(reader, each) for each in metrics[:MOST]]


def _logged(reader: _Reader, metric: MetricSummary) -> Logged:
    if metric.count > _MOST_VALUES:
        return Logged(metric.name, said=f"{metric.count:,} values, which get_metrics() has")
    found = query.metrics(reader.read, reader.objects, reader.run_id, metric.name)
    value = found.get(metric.name)
    named = [file_named(reader.run_id, each) for each in (value if isinstance(value, list) else [value])]
    if named and all(named):
        return _of_files(reader, metric.name, named)
    if isinstance(value, dict):
        return Logged(metric.name, table=tables.of_columns(value), plot=tables.line_of(value))
    return Logged(metric.name, text=_text(value))


def _text(value: Any) -> str:
    if not isinstance(value, list):
        return tables.cut(
            tables.cell(value).text if isinstance(value, (int, float)) else str(value), _LONGEST
        )
    shown = ", ".join(tables.cell(each).text or "-" for each in value[:_MOST_ITEMS])
    return tables.cut(shown, _LONGEST) + (
        f" and {len(value) - _MOST_ITEMS:,} more" if len(value) > _MOST_ITEMS else ""
    )


def _of_files(reader: _Reader, name: str, named: list[str]) -> Logged:
    """The latest images; or the latest chart."""
    found: list[Image] = []
    for each in reversed(named[-_MOST_IMAGES:]):
        shown = _image(reader.run_id, each)
        try:
            file = run_files.file(reader.read, reader.run_id, each)
            head = reader.head(file)
        except FaenaError as error:  # deleted, or damaged: the others are shown
            return Logged(name, said=error.message)
        if images.media_type(head[: images.HEAD]) and file.size <= images.LARGEST:
            found.append(shown)
            continue
        if found:
            break
        drawn = charted.read(head) if len(head) == file.size else None
        before = f"the latest of {len(named):,}" if len(named) > 1 else ""
        return Logged(name, charted=drawn, file=shown, said=before)
    more = len(named) - len(found)
    return Logged(name, images=tuple(found), said=f"and {more:,} before" if more else "")


def _image(run_id: str, name: str) -> Image:
    return Image(name, file_address(run_id, name, "images"), file_address(run_id, name, "preview"))
