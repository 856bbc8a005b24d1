"""The stream that keeps lists up to date tells of every change, from the moment at which the page was made."""

from __future__ import annotations

import asyncio

from faena.kernel.notifications import Notifications
from faena.server.pages import streams
from faena.server.pages.streams import changes, event


def test_no_change_is_missed_between_the_page_and_its_stream() -> None:
    async def scenario() -> list[bytes]:
        notifications = Notifications()
        stream = changes(notifications, "engine")
        told = [await anext(stream)]  # whatever happened before is told of: the page may be older
        notifications.notify({"engine"})
        told.append(await anext(stream))
        return told

    assert asyncio.run(scenario()) == [event("changed"), event("changed")]


def test_a_page_that_has_seen_all_is_told_of_nothing_and_then_of_what_comes() -> None:
    async def scenario() -> list[bytes]:
        notifications = Notifications()
        seen = streams.seen(notifications, "engine", "moved")
        stream = changes(notifications, "engine", "moved", known=seen)
        told = [await anext(stream)]
        notifications.notify({"moved"})
        told.append(await anext(stream))
        late = changes(notifications, "engine", "moved", known=seen)
        told.append(await anext(late))
        of_another_server = changes(notifications, "engine", "moved", known="00000000-1")
        return [*told, await anext(of_another_server)]

    silent, *told = asyncio.run(scenario())
    assert b"changed" not in silent
    assert told == [event("changed")] * 3
