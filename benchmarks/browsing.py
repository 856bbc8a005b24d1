"""People who browse a shared server, in one process: for `benchmarks.team_load`.

    python -m benchmarks.browsing URL SECONDS TOKEN...

One person a token. Three of four have a browser: they sign in, open pages one after the other, stay some seconds on
each with its stream open, and ask for what the page's scripts ask for then: curves a second after new points, a run's
page each 4 s, the table when something has changed. The fourth asks the API by the token once a second.

Writes a line of JSON when they begin, after one of them has seen everything once, and one at the end: by kind of
request the milliseconds that each took, and what failed.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote, urlencode

from benchmarks.fake_connection import Connection

_STAY = (4.0, 12.0)
"""Seconds on a page."""
_POINTS, _PAGE, _TABLE = 1.0, 4.0, 0.5
"""Seconds between what a page asks for by itself: curves, the page of a run, the table."""
_API = 1.0
_BUCKETS = "480"


class Person:
    def __init__(self, url: str, token: str, heard: Heard, until: float, chance: random.Random) -> None:
        fingerprint = token.split("-")[1]
        self._connection = Connection(url, token, fingerprint)
        self._stream = Connection(url, token, fingerprint)
        self._url, self._token = url, token
        self._heard, self._until, self._chance = heard, until, chance
        self._cookie: dict[str, str] = {}

    @property
    def _goes_on(self) -> bool:
        return time.monotonic() < self._until

    async def browse(self) -> None:
        await self._sign_in()
        pages = (self._table, self._run, self._run, self._found, self._compared, self._clusters)
        await asyncio.sleep(self._chance.uniform(0, 2))
        while self._goes_on:
            await self._chance.choice(pages)()

    async def look_at_everything(self) -> None:
        """Once, and stay nowhere: what a server does at the first request of a kind is measured elsewhere."""
        runs = await self._runs()
        await self._ask(runs[0])
        await self._sign_in()
        for page in (self._table, self._run, self._found, self._compared, self._clusters):
            await page()

    async def program(self) -> None:
        await asyncio.sleep(self._chance.uniform(0, _API))
        while self._goes_on:
            await self._ask(self._chance.choice(await self._runs()))
            await asyncio.sleep(_API)

    async def _ask(self, run: str) -> None:
        metric = quote(f"metric {self._chance.randrange(10)}")
        await self._get("API: a run", f"/runs/{run}")
        await self._get("API: a curve", f"/runs/{run}/chart?name={metric}&axis=step&pixels=1000")
        found = urlencode({"filter": 'metrics."metric 1" > 0.5', "limit": 50})
        await self._get("API: search", f"/runs?{found}")

    async def _sign_in(self) -> None:
        form = urlencode({"token": self._token}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self._url}
        said = await self._connection.answer("POST", "/sign-in", form, "", kind)
        if said.status != 303:
            raise RuntimeError(f"signing in: {said.status} {said.body[:200]!r}")
        self._cookie = {"Cookie": said.headers["set-cookie"].partition(";")[0], "Accept": "text/html"}

    async def _runs(self) -> list[str]:
        said = await self._get("API: list of runs", "/runs?limit=200")
        return [each["id"] for each in json.loads(said)["runs"]]

    async def _table(self) -> None:
        await self._get("page: runs", "/ui/runs")
        await self._stay("/ui/changes", {"changed": ("page: runs, again", "/ui/runs", _TABLE)})

    async def _found(self) -> None:
        asked = urlencode({"filter": 'metrics."metric 1" > 0.5', "sort": '-metrics."metric 2"'})
        await self._get("page: runs, found and sorted", f"/ui/runs?{asked}")
        await self._stay("/ui/open", {})

    async def _run(self) -> None:
        run = self._chance.choice(await self._known())
        page, curves = f"/ui/runs/{run}", f"/ui/curves?{_curves([run])}"
        await self._get("page: a run", page)
        await self._get("curves of a run", curves)
        again = {"points": ("curves of a run", curves, _POINTS), "": ("page: a run, again", page, _PAGE)}
        await self._stay(f"{page}/events?offset=0", again)

    async def _compared(self) -> None:
        runs = self._chance.sample(await self._known(), 5)
        await self._get("page: comparison", "/ui/compare?" + urlencode([("run", run) for run in runs]))
        await self._get("curves of 5 runs", f"/ui/curves?{_curves(runs)}")
        await self._stay("/ui/open", {})

    async def _clusters(self) -> None:
        await self._get("page: clusters", "/ui/clusters")
        await self._stay("/ui/open", {})

    async def _known(self) -> list[str]:
        """Runs of the first page."""
        if not self._heard.runs:
            said = await self._connection.answer("GET", "/runs?limit=200", b"", self._token, {})
            self._heard.runs = [each["id"] for each in json.loads(said.body)["runs"]]
        return self._heard.runs

    async def _get(self, kind: str, path: str) -> bytes:
        began = time.perf_counter()
        try:
            token = "" if self._cookie else self._token
            said = await self._connection.answer("GET", path, b"", token, self._cookie)
        except (OSError, EOFError) as error:
            self._heard.failed[f"{kind}: {type(error).__name__} {error}"[:120]] += 1
            await asyncio.sleep(1.0)
            return b'{"runs": []}'
        self._heard.took[kind].append(1000 * (time.perf_counter() - began))
        if said.status != 200:
            self._heard.failed[f"{kind}: status {said.status} {said.body[:80]!r}"] += 1
        return said.body

    async def _stay(self, stream: str, again: dict[str, tuple[str, str, float]]) -> None:
        """On a page, with its stream open. `again`: what is asked for at an event, or without one, as often at most."""
        until = min(self._until, time.monotonic() + self._chance.uniform(*_STAY))
        events: asyncio.Queue[str] = asyncio.Queue()
        listening = asyncio.create_task(self._listen(stream, events.put_nowait))
        last = dict.fromkeys(again, time.monotonic())
        due: set[str] = set()
        while (now := time.monotonic()) < until:
            if "" in again:
                due.add("")
            while not events.empty():
                due.add(events.get_nowait())
            for name in [each for each in due & set(again) if now - last[each] >= again[each][2]]:
                due.discard(name)
                await self._get(*again[name][:2])
                last[name] = time.monotonic()
            await asyncio.sleep(0.05)
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening

    async def _listen(self, path: str, hear: Callable[[str], None]) -> None:
        try:
            async for line in self._stream.lines(path, self._cookie):
                if line.startswith(b"event: "):
                    self._heard.events += 1
                    hear(line[7:].decode().strip())
            if self._goes_on:
                self._heard.failed[f"stream ended: {path[:40]}"] += 1
        except (OSError, EOFError) as error:
            self._heard.failed[f"stream: {type(error).__name__} {error}"[:120]] += 1


class Heard:
    """What all of them were answered."""

    def __init__(self) -> None:
        self.took: defaultdict[str, list[float]] = defaultdict(list)
        self.failed: defaultdict[str, int] = defaultdict(int)
        self.events = 0
        self.runs: list[str] = []


def _curves(runs: list[str]) -> str:
    pairs = [("axis", "step"), ("source", "script"), ("buckets", _BUCKETS), *(("run", run) for run in runs)]
    return urlencode([*pairs, *(("name", f"metric {number}") for number in range(10))])


async def main(url: str, seconds: float, tokens: list[str]) -> None:
    await Person(url, tokens[0], Heard(), time.monotonic(), random.Random(0)).look_at_everything()
    print(json.dumps({"begun": time.time()}), flush=True)
    heard, until = Heard(), time.monotonic() + seconds
    people = [Person(url, token, heard, until, random.Random(number)) for number, token in enumerate(tokens)]
    await asyncio.gather(
        *(each.program() if number % 4 == 3 else each.browse() for number, each in enumerate(people))
    )
    print(json.dumps({"took": heard.took, "failed": heard.failed, "events": heard.events}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), sys.argv[3:]))
