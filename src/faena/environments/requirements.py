"""What may stand where a package, a Python version or an index is named.

uv reads requirements from a file in which a line may also be an option, a path or a shell-like variable.
Nothing of that sort gets so far: a line is a requirement by PEP 508 or it is refused here.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from faena.environments.frameworks import FRAMEWORKS
from faena.environments.redaction import redacted
from faena.kernel.errors import UserErrorException

MAX_LENGTH = 1000
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029$`\\|]|&&")
_PINNED = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*(?:==[A-Za-z0-9][A-Za-z0-9.!+_-]*| @ https://[^\s$\\`]+)"
    r"(?: ; [^\n\r$\\`]+)?((?: --hash=sha(?:256|384|512):[0-9a-f]+)*)"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CONTINUED = re.compile(r" \\\n +")


def shown(value: object) -> str:
    """The value as an error shows it: quoted, escaped, at most 80 characters, without credentials."""
    text = repr(value)
    text = redacted(text)
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text)} characters)"


def check_requirement(value: object) -> str:
    """The requirement in its normal form. Raises `UserErrorException` naming what was given."""
    if not isinstance(value, str) or not value.strip():
        raise _refused(value, "it is empty" if isinstance(value, str) else "it is not text")
    if len(value) > MAX_LENGTH:
        raise _refused(value, f"it has more than {MAX_LENGTH} characters")
    if _FORBIDDEN.search(value):
        raise _refused(value, "it holds a line break, a control character or a shell character")
    if value.lstrip().startswith("-"):
        raise _refused(value, "it is an option; indexes go into index_urls")
    try:
        requirement = Requirement(value)
    except InvalidRequirement as error:
        raise _refused(value, "it is not a requirement by PEP 508") from error
    if requirement.url is not None:
        _check_direct_url(value, requirement.url)
    requirement.name = canonicalize_name(requirement.name)
    return str(requirement)


def _check_direct_url(value: str, url: str) -> None:
    parts = split_url(url)
    if parts is None or parts.scheme != "https" or not parts.hostname or re.search(r"\s", url):
        raise _refused(value, "a direct reference must be an https URL")
    if parts.username is not None or parts.password is not None:
        raise _refused(value, "its URL holds credentials; put them into ~/.netrc")


def _refused(value: object, why: str) -> UserErrorException:
    return UserErrorException(
        f"{shown(value)} cannot be used as a package: {why}. "
        "Give a name with an optional version, such as 'numpy>=1.20,<1.24', "
        "or 'name @ https://host/file.whl'."
    )


def name_of(requirement: str) -> str:
    """The canonical name of a requirement that was checked before."""
    found = _NAME.match(requirement)
    return canonicalize_name(found[0] if found else Requirement(requirement).name)


def says_version(requirement: str) -> bool:
    """Whether a checked requirement says which version, by a specifier or a direct URL."""
    parsed = Requirement(requirement)
    return bool(parsed.specifier) or parsed.url is not None


def python_specifier(value: object) -> SpecifierSet:
    """`'>=3.8,<3.12'` as it is; `'3.11'` means any 3.11; `'3.11.7'` means that one; `'3'` means any 3."""
    if isinstance(value, str) and value.strip() and len(value) <= 200 and not _FORBIDDEN.search(value):
        try:
            if re.fullmatch(r"\d+(\.\d+)?", value.strip()):
                return SpecifierSet(f"=={value.strip()}.*")
            if re.fullmatch(r"\d+\.\d+\.\d+", value.strip()):
                return SpecifierSet(f"=={value.strip()}")
            if "===" not in value:
                return SpecifierSet(value)
        except InvalidSpecifier:
            pass
    raise UserErrorException(
        f"{shown(value)} is not a Python version. Give a version such as '3.11' or a range such as '>=3.8,<3.12'."
    )


def parse_version(value: object, what: str) -> Version:
    """`what`: a framework or its package, of whose versions one is named where the value is none."""
    try:
        plain = isinstance(value, str) and len(value) <= 100 and value.strip() == value
        return Version(str(value)) if plain else Version("")
    except InvalidVersion as error:
        raise UserErrorException(
            f"{shown(value)} is not a version of {what}. Use one such as {_version_of(what)!r}, or leave it out."
        ) from error


def _version_of(what: str) -> str:
    named = (each for name, each in FRAMEWORKS.items() if what.lower() in (name, each.package))
    found = next(named, FRAMEWORKS["chainer"])
    return found.default or found.versions[-1]


def split_url(url: str) -> SplitResult | None:
    """The parts of a URL, or None where it is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where the port is not a number
    except ValueError:
        return None
    return parts


def check_locked(text: str) -> str:
    """A lock's requirements: each line an exact version or an https URL, with its hashes; nothing else."""
    for line in _CONTINUED.sub(" ", text).splitlines():
        if not _PINNED.fullmatch(line):
            raise UserErrorException(
                f"{shown(line)} cannot stand in a lock. A lock holds lines such as 'numpy==1.23.5 --hash=sha256:…'."
            )
    return text


def holds_on(marker: Marker | None, version: str, implementation: str = "CPython") -> bool:
    """Whether a requirement's marker (None: it has none) holds on a Python of this machine's system."""
    return marker is None or marker.evaluate(
        {
            "python_version": ".".join(version.split(".")[:2]),
            "python_full_version": version,
            "implementation_version": version,
            "platform_python_implementation": implementation,
            "implementation_name": implementation.lower(),
        }
    )
