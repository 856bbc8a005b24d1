"""Which web pages' scripts may ask: those of the origins that were named, by default none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from faena.scoring.exchange import Answer

_FOR_A_DAY = b"86400"
_EXPOSED = (
    b"x-request-id, x-ms-request-id, x-ms-client-request-id, x-ms-run-function-failed, x-ms-run-fn-exec-ms"
)


class Cors:
    def __init__(self, origins: Sequence[str]) -> None:
        self._any = "*" in origins
        self._origins = frozenset(each.rstrip("/").encode() for each in origins)

    def lines(self, found: Mapping[bytes, bytes]) -> bytes:
        """Header lines for the answer."""
        if not self._origins:
            return b""
        origin = found.get(b"origin")
        if origin is None or not self._may(origin):
            return b"vary: origin\r\n"
        allowed = b"*" if self._any else origin
        return b"vary: origin\r\naccess-control-allow-origin: %b\r\naccess-control-expose-headers: %b\r\n" % (
            allowed,
            _EXPOSED,
        )

    def preflight(self, method: str, found: Mapping[bytes, bytes], allowed: bytes) -> Answer | None:
        """The answer to a browser that asks whether a page may ask; it has no key by then."""
        if method != "OPTIONS" or b"access-control-request-method" not in found:
            return None
        if not self._may(found.get(b"origin", b"")):
            return None
        headers = found.get(b"access-control-request-headers", b"authorization, content-type")
        return Answer(
            204,
            b"",
            headers=(
                (b"access-control-allow-methods", allowed),
                (b"access-control-allow-headers", headers),
                (b"access-control-max-age", _FOR_A_DAY),
            ),
        )

    def _may(self, origin: bytes) -> bool:
        return bool(origin) and (self._any or origin in self._origins)
