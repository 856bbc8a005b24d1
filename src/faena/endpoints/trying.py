"""Has an endpoint answer a body for somebody who has no key of it: a browser that is signed in to the workspace."""

from __future__ import annotations

import msgspec

from faena.endpoints.model import Endpoint
from faena.endpoints.reaching import Reach
from faena.endpoints.schemas import TryAnswer
from faena.kernel.errors import Conflict, UserErrorException, WebserviceException

LONGEST_BODY = 1 << 20
LONGEST_ANSWER = 256 << 10
LONGEST_SECONDS = 60.0
_GRACE = 2.0
_AT_ONCE = 4
_RAN = "x-ms-run-fn-exec-ms"
_SAMPLE_SECONDS = 1.0
_LONGEST_SAMPLE = 64 << 10


class Tries:
    """One for a server: so few at a time that they cost others nothing."""

    def __init__(self) -> None:
        self._running = 0

    async def ask(self, reach: Reach, endpoint: Endpoint, body: str) -> TryAnswer:
        """Raises UserErrorException for what is too long or too much, WebserviceException where nothing answers."""
        data = body.encode("utf-8", "surrogatepass")
        if len(data) > LONGEST_BODY:
            raise UserErrorException(
                f"The body has {len(data):,} bytes, and what is tried here may have {LONGEST_BODY:,}. Use "
                f"`faena call {endpoint.name} --data @FILE`."
            )
        if self._running >= _AT_ONCE:
            raise Conflict(
                f"{_AT_ONCE} requests are being tried at this moment. Try again when one has ended."
            )
        self._running += 1
        try:
            return await _ask(reach, endpoint, data)
        finally:
            self._running -= 1


async def _ask(reach: Reach, endpoint: Endpoint, data: bytes) -> TryAnswer:
    seconds = min(LONGEST_SECONDS, endpoint.settings.limits.timeout_seconds + _GRACE)
    said = await reach.ask(endpoint, "POST", "/score", data, seconds=seconds, most=LONGEST_ANSWER)
    kind = said.headers.get("content-type", "")
    ran = said.headers.get(_RAN, "")
    return TryAnswer(
        status=said.status,
        seconds=round(said.seconds, 6),
        ran_milliseconds=float(ran) if ran.replace(".", "", 1).isdigit() else None,
        content_type=kind,
        request_id=said.headers.get("x-request-id", ""),
        text=said.body.decode("utf-8", "replace"),
        size=said.size,
        is_cut=not said.is_whole or said.size > len(said.body),
    )


async def sample(reach: Reach, endpoint: Endpoint, given: str | None) -> str:
    """A body to begin with: what the revision was deployed with, else what the script's description has."""
    if given is not None and len(given) <= _LONGEST_SAMPLE:
        return given
    try:
        said = await reach.ask(
            endpoint, "GET", "/swagger.json", seconds=_SAMPLE_SECONDS, most=2 * _LONGEST_SAMPLE
        )
        example = msgspec.json.decode(said.body)["definitions"]["ServiceInput"]["example"]
        text = msgspec.json.encode(example).decode()
    except (WebserviceException, msgspec.DecodeError, OSError, KeyError, TypeError):
        return ""
    return text if len(text) <= _LONGEST_SAMPLE else ""
