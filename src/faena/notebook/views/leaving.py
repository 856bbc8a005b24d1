"""A view that is left as it is, while what it shows goes on."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from faena.notebook.views.blocks import AnyBlock, Heading, Timeline, View


def now() -> str:
    return f"{datetime.now().astimezone():%d %b %Y at %H:%M:%S}"


def left(view: View) -> View:
    """With the time, and without what would be another in a moment."""
    said = f"As it was on {now()}. Show it again for what has come since."
    return replace(view, blocks=tuple(_left(block, said) for block in view.blocks))


def _left(block: AnyBlock, said: str) -> AnyBlock:
    if isinstance(block, Heading):
        return replace(block, trouble=said, stops="")
    if isinstance(block, Timeline):
        legend = tuple(replace(each, goes_on=False) for each in block.drawn.legend)
        return replace(block, drawn=replace(block.drawn, legend=legend))
    return block
