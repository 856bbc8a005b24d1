"""A request that a new revision answers before it gets those of clients."""

from __future__ import annotations

import asyncio

from faena.scoring.exchange import Answer, Request, Scorer

_SHOWN = 500
"""Characters of an answer that are told."""


class SampleFailed(Exception):
    """Why it was not answered as clients' requests should be."""


async def answer_sample(scorer: Scorer, body: str, seconds: float) -> None:
    """Raises SampleFailed."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[Answer] = loop.create_future()

    def reply(answer: Answer) -> None:
        if not answered.done():
            answered.set_result(answer)

    headers = [(b"content-type", b"application/json")]
    request = Request("POST", "/score", b"", headers, body.encode(), "sample", loop.time())
    scorer.submit(request, "score", reply)
    try:
        answer = await asyncio.wait_for(answered, 2 * seconds)
    except TimeoutError:
        raise SampleFailed(f"no answer came within {2 * seconds:g} s") from None
    if answer.status >= 400:
        said = answer.body[:_SHOWN].decode("utf-8", "replace")
        raise SampleFailed(f"the answer was {answer.status}: {said}")
