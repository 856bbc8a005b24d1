"""Pools of real workers, without HTTP: a script of the test's own, requests by call, answers as they come."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from faena.scoring.desired import Limits, Revision
from faena.scoring.exchange import Answer, Request
from faena.scoring.looking import LookingLoop
from faena.scoring.pool import Pool
from faena.scoring.status import State
from faena.scoring.templates import Templates

PATIENCE = 60.0
ECHO = """
import json
def init(): pass
def run(raw): return json.loads(raw)
"""


@dataclass
class Asked:
    """A request and what came of it."""

    request: Request
    answers: list[Answer] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def answer(self) -> Answer:
        assert len(self.answers) == 1, f"{len(self.answers)} answers"
        return self.answers[0]

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.answer.body)

    @property
    def status(self) -> int:
        return self.answer.status


@dataclass
class Site:
    """A pool, and the folder of its script and logs."""

    pool: Pool
    folder: Path
    asked: list[Asked] = field(default_factory=list)

    def ask(
        self,
        body: bytes | str = b"{}",
        route: str = "score",
        *,
        path: str = "/score",
        method: str = "POST",
        query: bytes = b"",
        headers: list[tuple[bytes, bytes]] | None = None,
        name: str = "",
        then: Callable[[Asked], None] | None = None,
    ) -> Asked:
        """Submit it; it is answered later."""
        data = body.encode() if isinstance(body, str) else body
        began = time.monotonic()
        request_id = name or f"request-{len(self.asked)}"
        asked = Asked(Request(method, path, query, headers or [], data, request_id, began))

        def reply(answer: Answer) -> None:
            asked.seconds = time.monotonic() - began
            asked.answers.append(answer)
            if then is not None:
                then(asked)

        self.asked.append(asked)
        self.pool.submit(asked.request, route, reply)
        return asked

    async def answered(self, *asked: Asked) -> Asked:
        """All of them, or what was asked so far; the last."""
        wanted = asked or tuple(self.asked)
        await until(lambda: all(each.answers for each in wanted), "all requests are answered")
        return wanted[-1]

    async def call(self, body: bytes | str = b"{}", route: str = "score", **how: Any) -> Asked:
        return await self.answered(self.ask(body, route, **how))

    @property
    def log(self) -> str:
        return "".join(
            path.read_text("utf-8", "replace") for path in sorted((self.folder / "logs").glob("*.log"))
        )

    @property
    def pids(self) -> list[int]:
        """Of the workers that are ready."""
        return [member.process.pid for member in self.pool.members if member.ready and member.process.pid]


async def until(fulfilled: Callable[[], Any], what: str, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not fulfilled():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def site(
    folder: Path,
    script: str = ECHO,
    *,
    wait: bool = True,
    python: str = sys.executable,
    limits: Limits | None = None,
    templates: Templates | bool = False,
    **revision: Any,
) -> AsyncIterator[Site]:
    """A pool with this script, whose workers are gone afterwards. `templates`: whether they may be forked."""
    app = folder / "app"
    app.mkdir(parents=True, exist_ok=True)
    (app / "score.py").write_text(script)
    described: dict[str, Any] = {"id": 1, "python": python, "app": str(app), "entry": "score.py"} | revision
    described["variables"] = {"PATH": os.environ["PATH"], **revision.get("variables", {})}
    given = Templates(folder, folder / ".templates") if templates is True else templates or None
    pool = Pool(Revision(**described), limits or Limits(), folder / "logs", templates=given)
    pool.start()
    made = Site(pool, folder)
    try:
        if wait:
            await until(lambda: pool.whole or pool.state == State.FAILED, "the workers are ready")
            assert pool.state == State.HEALTHY, pool.error
        yield made
    finally:
        processes = [member.process for member in pool.members]
        pool.kill()
        await until(lambda: not pool.members, "the workers have gone")
        for process in processes:
            assert not (process.pid and lives(process.pid)), "a worker outlived its pool"


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def run(test: Callable[[], Awaitable[None]]) -> None:
    """In a front's kind of loop, where what goes wrong in a callback is an error."""

    async def all_of_it() -> None:
        wrong: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))
        await asyncio.wait_for(test(), 240)
        assert not wrong, wrong

    with asyncio.Runner(loop_factory=LookingLoop) as runner:
        runner.run(all_of_it())
