"""An environment's lock as files that uv and pip install from anywhere: nothing of this machine in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from faena.environments.schemas import LockView
from faena.kernel.errors import WebserviceException

_OF_A_DISK = re.compile(r"(^|\s|@\s*)(file:|/)", re.IGNORECASE)


class LockFiles(NamedTuple):
    hashed: str
    """pip asks for hashes of all lines of a file that has one."""
    unhashed: str
    constraints: str


def of(lock: LockView) -> LockFiles:
    """Raises WebserviceException for packages that lie on this machine's disk alone."""
    head = "".join(f"{line}\n" for line in _options(lock))
    blocks = _blocks(lock.requirements)
    for block in blocks:
        if _OF_A_DISK.search(block.split("\n")[0]):
            raise WebserviceException(
                f"The package {block.split()[0]} lies on this machine's disk: {block.splitlines()[0][:200]!r}. Name "
                "it as a file of yours (add_private_pip_wheel), whose bytes are taken along, or by its version."
            )
    brought = [
        f"{each.name} @ ./wheels/{each.digest[:12]}/{each.filename} --hash=sha256:{each.digest}"
        for each in lock.archives
    ]
    hashed = [block for block in blocks if "--hash=" in block]
    unhashed = [block for block in blocks if "--hash=" not in block]
    return LockFiles(
        head + "".join(f"{block}\n" for block in [*_as_paths(brought), *hashed]),
        head + "".join(f"{block}\n" for block in unhashed) if unhashed else "",
        "".join(f"{constraint}\n" for constraint in lock.build_constraints),
    )


def _as_paths(brought: Sequence[str]) -> Iterator[str]:
    """pip knows no relative path after '@', and both tools a path alone."""
    for each in brought:
        yield each.partition(" @ ")[2]


def _options(lock: LockView) -> Iterator[str]:
    pip = lock.pip
    for place in (*lock.index_urls, *pip.find_links):
        if place.startswith("/") or place.lower().startswith("file:"):
            raise WebserviceException(
                f"Packages of the environment come from {place!r}, a folder of this machine. Use an index with an "
                "https address, and package again."
            )
    for number, url in enumerate(lock.index_urls):
        yield f"{'--index-url' if lock.has_default and not number else '--extra-index-url'} {url}"
    yield from (f"--find-links {place}" for place in pip.find_links)
    yield from (f"--trusted-host {host}" for host in pip.trusted_hosts)
    if pip.no_binary:
        yield f"--no-binary {','.join(pip.no_binary)}"
    if pip.only_binary:
        yield f"--only-binary {','.join(pip.only_binary)}"
    if pip.no_index:
        yield "--no-index"


def _blocks(text: str) -> list[str]:
    """Requirements, each with the lines of its hashes."""
    return re.findall(r"^[^\s#].*(?:\n .*)*", text, re.MULTILINE)
