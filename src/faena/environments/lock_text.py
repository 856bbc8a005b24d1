"""The text that uv makes of a resolution: exact versions with hashes, sorted by where they come from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from packaging.utils import canonicalize_name

from faena.environments import archives
from faena.environments.index_pages import File
from faena.environments.model import EnvironmentSpec
from faena.environments.schemas import ArchiveRequest, PipOptions
from faena.kernel.errors import EnvironmentBuildException

_HASH = re.compile(r"--hash=(\S+)")


class Compiled(NamedTuple):
    requirements: str
    archives: tuple[ArchiveRequest, ...]
    """Each with the name that it turned out to have."""
    from_source: Mapping[str, str] = MappingProxyType({})
    """Name -> version of packages that are built, as far as it is known."""
    files: Mapping[str, Sequence[File]] = MappingProxyType({})
    """Name -> the files that may be taken, as of a date."""


def blocks(text: str) -> list[str]:
    """A lock's requirements, each with the lines of its hashes."""
    return re.findall(r"^[^\s#].*(?:\n .*)*", text, re.MULTILINE)


def sorted_out(text: str, spec: EnvironmentSpec) -> Compiled:
    """What came from the submitter's disk apart from the rest, and only those hashes that were allowed."""
    places = {archives.place(archive).as_uri(): archive for archive in spec.archives}
    brought: list[ArchiveRequest] = []
    kept: list[str] = []
    for block in blocks(text):
        name, at, rest = block.partition(" @ ")
        archive = places.get(rest.split()[0]) if at else None
        if archive is None:
            kept.append(_allowed(block, spec.pip))
        else:
            brought.append(msgspec.structs.replace(archive, name=name, marker="", extras=()))
    if spec.pip.require_hashes:
        _refuse_unhashed(kept, spec.pip)
    return Compiled("".join(f"{block}\n" for block in kept), tuple(brought))


def _allowed(block: str, options: PipOptions) -> str:
    """The block with those of its hashes that were given for its package, all where none were."""
    name = _name(block)
    given = {
        each for key, hashes in options.hashes.items() if canonicalize_name(key) == name for each in hashes
    }
    if not given:
        return block
    first = block.split("\n")[0].removesuffix("\\").strip()
    same = [each for each in _HASH.findall(block) if each in given]
    if not same:
        raise EnvironmentBuildException(
            f"None of the files of {first} has a hash that was given for {name}. They are not what the hashes were "
            "made of: make the file of requirements anew, or leave --hash out of it."
        )
    return " \\\n    ".join([first, *(f"--hash={each}" for each in same)])


def _refuse_unhashed(blocks: Sequence[str], options: PipOptions) -> None:
    known = {canonicalize_name(name) for name in options.hashes}
    lacking = [
        block.split("\n")[0].removesuffix("\\").strip() for block in blocks if _name(block) not in known
    ]
    if lacking:
        raise EnvironmentBuildException(
            f"--require-hashes was given, and there is no --hash for {', '.join(lacking)}. Give one for each, as "
            "`pip-compile --generate-hashes` writes them, or leave --require-hashes out."
        )


def _name(block: str) -> str:
    return canonicalize_name(re.split(r"[\s=\[@;]", block, maxsplit=1)[0])
