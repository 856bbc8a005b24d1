"""What option lines of requirement files may say, checked; and how uv is told."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.utils import InvalidName, canonicalize_name

from faena.environments.requirements import MAX_LENGTH, check_requirement, shown, split_url
from faena.environments.schemas import PipOptions
from faena.kernel.errors import UserErrorException

NONE = PipOptions()
_MAX_ENTRIES = 5000
_HOST = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?(?::\d{1,5})?|\[[0-9a-fA-F:.]{2,45}\](?::\d{1,5})?"
)
_HASH = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")


def check(options: PipOptions) -> None:
    """Raises UserErrorException naming what cannot be used."""
    if len(options.constraints) + len(options.hashes) > _MAX_ENTRIES:
        raise UserErrorException(f"More than {_MAX_ENTRIES} constraints and hashes were given.")
    for constraint in options.constraints:
        check_requirement(constraint)
    for place in options.find_links:
        _check_place(place)
    for names in (options.no_binary, options.only_binary):
        for name in names:
            _check_name(name)
    for host in options.trusted_hosts:
        if not _HOST.fullmatch(host):
            raise UserErrorException(f"{shown(host)} is not a host to trust. Give 'host' or 'host:port'.")
    for name, hashes in options.hashes.items():
        _check_name(name)
        for each in hashes:
            if not _HASH.fullmatch(each):
                raise UserErrorException(
                    f"{shown(each)} of {shown(name)} is not a hash. Give 'sha256:' and 64 hexadecimal digits, as "
                    "`pip hash FILE` prints them."
                )


def of_the_lock(options: PipOptions) -> PipOptions:
    """What matters once all versions are exact: where files come from and of which kind they are."""
    return PipOptions(
        find_links=options.find_links,
        no_index=options.no_index,
        no_binary=options.no_binary,
        only_binary=options.only_binary,
        trusted_hosts=options.trusted_hosts,
    )


def canonical(options: PipOptions) -> dict[str, object]:
    """Equal for options that mean the same; empty for none."""
    found: dict[str, object] = {
        "constraints": sorted({check_requirement(each) for each in options.constraints}),
        "find_links": list(options.find_links),
        "no_index": options.no_index,
        "pre": options.pre,
        "no_binary": sorted(map(_name, options.no_binary)),
        "only_binary": sorted(map(_name, options.only_binary)),
        "trusted_hosts": sorted(options.trusted_hosts),
        "hashes": {canonicalize_name(name): sorted(set(found)) for name, found in options.hashes.items()},
        "require_hashes": options.require_hashes,
    }
    return {name: value for name, value in found.items() if value}


def arguments(options: PipOptions, *, resolving: bool) -> list[str]:
    """uv's options for it, but for those that are variables: links and hosts. None of them holds a secret."""
    found = ["--no-index"] if options.no_index else []
    found += [word for name in options.no_binary for word in ("--no-binary", name)]
    found += [word for name in options.only_binary for word in ("--only-binary", name)]
    if resolving and options.pre:
        found += ["--prerelease", "allow"]
    return found


def _check_place(place: str) -> None:
    parts = split_url(place) if len(place) <= MAX_LENGTH else None
    if parts is None or re.search(r"[\s,\x00-\x1f\x7f$`\\|]", place):
        raise UserErrorException(f"{shown(place)} is no place to find links in. Give a URL or a folder.")
    if parts.scheme in ("https", "http") and parts.hostname:
        if parts.username is not None or parts.password is not None:
            raise UserErrorException(
                f"{shown(place)} holds credentials, which would be kept with the run. Put them into ~/.netrc."
            )
        return
    if not (parts.scheme == "file" or place.startswith("/")) or ".." in Path(place).parts:
        raise UserErrorException(f"{shown(place)} is no place to find links in. Give a URL or a whole path.")


def _check_name(name: str) -> None:
    try:
        if name != ":all:":
            canonicalize_name(name, validate=True)
    except InvalidName as error:
        raise UserErrorException(
            f"{shown(name)} is not a package's name. Give one such as 'numpy', or ':all:'."
        ) from error


def _name(name: str) -> str:
    return name if name == ":all:" else canonicalize_name(name)
