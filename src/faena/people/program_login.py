"""A program that logs in by the browser of its user: it makes a token, and they let the server know of it. No I/O.

The token's digest is in the address that is opened, the token itself is nowhere but with the program: whoever sees the
address, or the code, has nothing. The address has all that is asked, so that the server keeps nothing until somebody
who is signed in says yes.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import Struct

from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.people.model import Caller, code_of
from faena.people.schemas import TokenIn

PATH = "/ui/log-in"
GOOD_FOR = 600
"""Seconds in which somebody says yes; nobody makes an address that is good for longer."""
_SKEW = 60
"""Seconds by which the clocks of a server's processes may differ, of which another one said what time it is."""
DAYS = 90.0
"""For which such a token is good."""
FRESH = 600
"""Seconds since a browser was signed in: a session that was found or stolen makes nothing that outlives it."""
_LONGEST_PROGRAM = 100
_HEX = re.compile("[0-9a-f]{64}")
_SECONDS = re.compile("[0-9]{1,11}")


class Asked(Struct, frozen=True):
    """What the address says."""

    digest: str
    """Of the token."""
    program: str
    """Which program on which machine asks, for people: `faena on laptop`."""
    server: str
    """The fingerprint of the certificate that the program was shown, or empty: one that its system vouches for."""
    until: int
    """In seconds since 1970, by the server's clock."""

    @property
    def code(self) -> str:
        return code_of(self.digest)


def address(url: str, asked: Asked) -> str:
    fields = {"digest": asked.digest, "program": asked.program, "server": asked.server, "until": asked.until}
    return f"{url.rstrip('/')}{PATH}?{urlencode(fields)}"


def read(given: Mapping[str, str], fingerprint: str, now: Micros) -> Asked:
    """`fingerprint`: of the server's own certificate; empty: it has somebody's. Raises UserErrorException."""
    program = " ".join(given.get("program", "").split())
    digest, server, until = given.get("digest", ""), given.get("server", ""), given.get("until", "")
    if not _HEX.fullmatch(digest) or not _SECONDS.fullmatch(until) or not program.isprintable():
        raise UserErrorException(
            "This address is not whole. Copy all of what `faena login --browser` printed."
        )
    if not 0 <= int(until) - now // 1_000_000 <= GOOD_FOR + _SKEW:
        raise UserErrorException(
            "This address is good for 10 minutes, which are over. Run `faena login` again."
        )
    if server and not fingerprint:
        raise UserErrorException(
            "faena does not know who vouches for this server's certificate, so that nothing was let in. Give it the "
            "file of that authority by --ca. If others need none, somebody may stand between it and this server."
        )
    if server and not hmac.compare_digest(server.encode(), fingerprint.encode()):
        raise UserErrorException(
            "faena was shown another certificate than this server's: somebody may stand between them, so that nothing "
            "was let in. Ask whoever runs the server, and log in with a token that they give you."
        )
    return Asked(digest, program[:_LONGEST_PROGRAM] or "a program", server, int(until))


def token_of(asked: Asked, typed: str, caller: Caller) -> TokenIn:
    """What the program is let in with. Raises UserErrorException where `typed` is another program's code."""
    plain = "".join(each for each in typed.upper() if each.isalnum())
    if not hmac.compare_digest(plain.encode(), asked.code.replace("-", "").encode()):
        raise UserErrorException(
            "This is not the code of this login. Type the one that faena shows where you started it; if you started "
            "none, close this page: somebody else did."
        )
    # no more than the token that the browser signed in with
    return TokenIn(asked.program, DAYS, caller.role if caller.token else "")


def is_fresh(caller: Caller, now: Micros) -> bool:
    return caller.signed_in_at is not None and now - caller.signed_in_at <= FRESH * 1_000_000
