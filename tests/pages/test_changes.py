"""The stream that keeps lists up to date tells of every change, from the moment at which the page was made."""

from __future__ import annotations

import asyncio

from faena.kernel.notifications import Notifications
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
