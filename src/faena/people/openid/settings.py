"""How people sign in by OpenID Connect: the settings of it, checked."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from faena.kernel.hidden import hiding

_SCOPES = "openid email profile"
_NEWCOMERS = ("reader", "contributor")
_ALL = "*"
_LARGEST = 1 << 14
_CLAIM = re.compile(r"[!-~]{1,100}")
_WORDS = re.compile(r"[!-~]+( [!-~]+)*")


class OpenId(Struct, frozen=True):
    issuer: str
    """Its address, exactly as it tells it itself: `https://accounts.example.org/realms/team`."""
    client_id: str
    client_secret: str = ""
    """Empty: none, which issuers call a public client."""
    scopes: str = _SCOPES
    name_claim: str = "email"
    """Which of the things that the issuer says of somebody is their name here."""
    groups_claim: str = "groups"
    """Which of them lists the groups that somebody is in."""
    allow: tuple[str, ...] = ()
    """Who may come: `bob@example.org`, `@example.org`, `group:team`; `*` or none at all: whoever the issuer knows."""
    newcomers: str = ""
    """The role of who comes for the first time; empty: only those come whom an owner has added."""

    __repr__ = hiding("client_secret")

    @property
    def host(self) -> str:
        """For people: where they sign in."""
        return str(urlsplit(self.issuer).hostname)


FIELDS = {
    "oidc_issuer": "the https address of an OpenID Connect issuer, without ? and #",
    "oidc_client_id": "the id that the issuer gave this server",
    "oidc_client_secret": "the secret that the issuer gave this server",
    "oidc_client_secret_file": "a file with that secret",
    "oidc_scopes": "words with spaces between, openid among them",
    "oidc_name_claim": "the name of a claim, such as email",
    "oidc_groups_claim": "the name of a claim, such as groups",
    "oidc_allow": "addresses (bob@example.org), domains (@example.org), groups (group:team), or *",
    "oidc_newcomers": f"{' or '.join(_NEWCOMERS)}, or nothing",
}
"""What each is, for whoever gave something else."""
SECRET = "oidc_client_secret"
"""That which is not given among the arguments."""


def read(found: Mapping[str, str], wrong: list[str]) -> OpenId | None:
    """None where no issuer is named. What is wrong is added to `wrong`."""
    if "oidc_issuer" not in found:
        wrong += [f"{name} is given without oidc_issuer" for name in sorted(found.keys() & FIELDS.keys())]
        return None
    made = OpenId(
        issuer=found["oidc_issuer"],
        client_id=found.get("oidc_client_id", ""),
        client_secret=_secret(found, wrong),
        scopes=found.get("oidc_scopes", _SCOPES),
        name_claim=found.get("oidc_name_claim", "email"),
        groups_claim=found.get("oidc_groups_claim", "groups"),
        allow=tuple(each.strip() for each in found.get("oidc_allow", "").split(",") if each.strip()),
        newcomers=found.get("oidc_newcomers", ""),
    )
    if not is_reachable(made.issuer) or made.issuer != made.issuer.strip() or {*"?#"} & {*made.issuer}:
        wrong.append(f"oidc_issuer is {made.issuer[:80]!a}, not {FIELDS['oidc_issuer']}")
    if not made.client_id or not made.client_id.isprintable():
        wrong.append(f"oidc_client_id is {made.client_id[:80]!a}, not {FIELDS['oidc_client_id']}")
    if not _WORDS.fullmatch(made.scopes) or "openid" not in made.scopes.split():
        wrong.append(f"oidc_scopes is {made.scopes[:80]!a}, not {FIELDS['oidc_scopes']}")
    for name, claim in (("oidc_name_claim", made.name_claim), ("oidc_groups_claim", made.groups_claim)):
        if not _CLAIM.fullmatch(claim):
            wrong.append(f"{name} is {claim[:80]!a}, not {FIELDS[name]}")
    wrong += [
        f"oidc_allow has {each[:80]!a}, not {FIELDS['oidc_allow']}"
        for each in made.allow
        if each != _ALL and "@" not in each and not each.startswith("group:")
    ]
    if made.newcomers and made.newcomers not in _NEWCOMERS:
        wrong.append(f"oidc_newcomers is {made.newcomers[:80]!a}, not {FIELDS['oidc_newcomers']}")
    elif made.newcomers and not made.allow:
        wrong.append(
            "oidc_newcomers is given without oidc_allow: say who may come, or * for whoever the issuer knows"
        )
    return made


def as_texts(found: OpenId | None) -> dict[str, str]:
    """What `read` makes them of again."""
    if found is None:
        return {}
    return {
        "oidc_issuer": found.issuer,
        "oidc_client_id": found.client_id,
        "oidc_client_secret": found.client_secret,
        "oidc_scopes": found.scopes,
        "oidc_name_claim": found.name_claim,
        "oidc_groups_claim": found.groups_claim,
        "oidc_allow": ",".join(found.allow),
        "oidc_newcomers": found.newcomers,
    }


def is_reachable(url: str) -> bool:
    """Whether it is an address that secrets may be sent to: by TLS, or on this very host."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        fine = (
            bool(host)
            and parts.port != 0
            and "@" not in parts.netloc
            and url.isprintable()
            and " " not in url
        )
    except ValueError:
        return False
    return fine and (parts.scheme == "https" or (parts.scheme == "http" and _is_this_host(str(host))))


def _is_this_host(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secret(found: Mapping[str, str], wrong: list[str]) -> str:
    if "oidc_client_secret_file" not in found:
        return found.get(SECRET, "")
    if SECRET in found:
        wrong.append(f"{SECRET} and {SECRET}_file are both given: one of them is enough")
    path = Path(found["oidc_client_secret_file"]).expanduser()
    try:
        with path.open("rb") as file:
            read = file.read(_LARGEST).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        wrong.append(f"oidc_client_secret_file is {str(path)!a}, which cannot be read ({why})")
        return ""
    if not read:
        wrong.append(f"oidc_client_secret_file is {str(path)!a}, which is empty")
    return read
