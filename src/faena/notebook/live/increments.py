"""What changed from one view to the next, as small as it can be told. No I/O."""

from __future__ import annotations

from typing import Any

import msgspec

from faena.notebook.views.blocks import AnyBlock, Chart, Charts, Line, LogTail, View


def changes(old: View, new: View) -> list[dict[str, Any]] | None:
    """For each block that is another now; None where there are others than before: all of it is told then.

    `{"block": …}` takes a block's place; `{"id", "drop", "append"}` moves a log on; `{"id", "charts"}` has charts,
    each by its place `at`, with points that came, or whole.
    """
    if [(block.id, type(block)) for block in old.blocks] != [(block.id, type(block)) for block in new.blocks]:
        return None
    pairs = zip(old.blocks, new.blocks, strict=True)
    return [_change(before, after) for before, after in pairs if before != after]


def _change(old: AnyBlock, new: AnyBlock) -> dict[str, Any]:
    found = None
    if isinstance(old, LogTail) and isinstance(new, LogTail):
        found = _log(old, new)
    elif isinstance(old, Charts) and isinstance(new, Charts):
        found = _charts(old, new)
    return {"block": msgspec.to_builtins(new)} if found is None else found


def _log(old: LogTail, new: LogTail) -> dict[str, Any] | None:
    drop = new.start - old.start
    if old.name != new.name or not 0 <= drop <= len(old.text):
        return None
    kept = old.text[drop:]
    if not new.text.startswith(kept):  # a progress bar has moved
        return None
    return {"id": new.id, "drop": drop, "append": new.text[len(kept) :]}


def _charts(old: Charts, new: Charts) -> dict[str, Any] | None:
    if [chart.title for chart in old.charts] != [chart.title for chart in new.charts] or old.more != new.more:
        return None
    pairs = enumerate(zip(old.charts, new.charts, strict=True))
    return {"id": new.id, "charts": [_chart(at, *pair) for at, pair in pairs if pair[0] != pair[1]]}


def _chart(at: int, old: Chart, new: Chart) -> dict[str, Any]:
    same = old.axis == new.axis and len(old.lines) == len(new.lines)
    if not same or not all(_goes_on(*pair) for pair in zip(old.lines, new.lines, strict=True)):
        return {"at": at, "chart": msgspec.to_builtins(new)}
    lines = [
        {"x": after.x[len(before.x) :], "y": after.y[len(before.x) :]}
        for before, after in zip(old.lines, new.lines, strict=True)
    ]
    return {"at": at, "last": new.last, "lines": lines}


def _goes_on(old: Line, new: Line) -> bool:
    count = len(old.x)
    return (
        (old.name, old.tone, old.dots) == (new.name, new.tone, new.dots)
        and new.x[:count] == old.x
        and new.y[:count] == old.y
    )
