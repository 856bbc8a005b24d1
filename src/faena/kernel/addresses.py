"""Where a workspace's server is: by the workspace's folder on this host, or at a URL."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from faena.kernel.errors import UserErrorException

_FINGERPRINT = re.compile("[0-9a-f]{32,64}")


@dataclass(frozen=True, slots=True)
class Url:
    """A server that somebody runs elsewhere, or the gateway of one on this host.

    `url`: such as `https://faena.example.org` or `http://127.0.0.1:20123`. `token`: what the server knows its clients
    by. `ca`: a file of certificates to trust in place of the system's. `fingerprint`: the SHA-256 of the one to trust,
    whatever name and issuer it has, in hexadecimal; its first 32 digits will do. Raises UserErrorException for what is
    no such address, and for a token that would leave this host unencrypted.
    """

    url: str
    token: str = field(repr=False)
    ca: Path | None = None
    fingerprint: str = ""
    origin: str = field(default="", compare=False)
    """Where the token comes from, for whoever is told that it is not good; empty: from whoever asks."""

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError as error:
            raise UserErrorException(f"{self.url[:200]!a} is no address of a server: {error}.") from error
        if parts.username is not None or parts.password is not None:
            raise UserErrorException(
                "The address of a server holds no user or password. Give the token apart from it."
            )
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.query
            or parts.fragment
            or port == 0
        ):
            raise UserErrorException(
                f"{self.url[:200]!a} is no address of a server. Use one such as https://faena.example.org or "
                "http://127.0.0.1:20123."
            )
        if not self.token.isascii() or not self.token.isprintable() or not self.token.strip():
            of = f" The token is that of {self.origin}." if self.origin else ""
            raise UserErrorException(f"The token for {self.url} is empty, or holds what no token does.{of}")
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise UserErrorException(
                f"{self.url} would send the token unencrypted. Use https, or a tunnel to an address of this host."
            )
        if self.ca is not None and not self.ca.is_file():
            raise UserErrorException(f"There is no file of certificates {str(self.ca)!r}.")
        if self.fingerprint:
            self._check_fingerprint()

    def _check_fingerprint(self) -> None:
        if not _FINGERPRINT.fullmatch(self.pinned):
            raise UserErrorException(
                f"{self.fingerprint[:100]!a} is no fingerprint of a certificate: give its SHA-256 in hexadecimal, 32 "
                "digits of it at least, as `openssl x509 -noout -fingerprint -sha256` prints it."
            )
        if not self.secure or self.ca is not None:
            raise UserErrorException(
                f"{self.url} is given with the fingerprint of a certificate: use it with https, and without a file of "
                "certificates."
            )

    @property
    def pinned(self) -> str:
        """The fingerprint in small letters, without the colons that some programs put between its bytes."""
        return self.fingerprint.replace(":", "").lower()

    @property
    def secure(self) -> bool:
        return self.url.startswith("https:")

    @property
    def host(self) -> str:
        found = urlsplit(self.url).hostname
        assert found is not None
        return found

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or (443 if self.secure else 80)

    @property
    def path(self) -> str:
        """What stands before each request's own path."""
        return urlsplit(self.url).path.rstrip("/")


Address = Path | Url
"""The `.faena` folder of a workspace on this host, or a URL."""
