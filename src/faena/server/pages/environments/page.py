"""What the pages of one environment show: its lock, what was asked for, its build; and the versions of a name."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from faena.comparison import packages
from faena.comparison.model import Change
from faena.db import Read
from faena.environments import listing, registry, shelf, store
from faena.environments.model import Lock
from faena.environments.redaction import redacted
from faena.environments.schemas import EnvironmentRequest, EnvironmentView
from faena.environments.shelf import Looked
from faena.kernel import digests
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound
from faena.runs import lock_users
from faena.runs import store as runs
from faena.runs.lock_users import User
from faena.runs.submission_schemas import Submission
from faena.server.pages import console
from faena.server.pages.addresses import named_environment_address
from faena.server.pages.environments import list as environment_list
from faena.server.pages.paging import ROWS, Paged
from faena.server.pages.words import size, when

_MOST_RUNS = 20
_MOST_CHANGES = 500
_LOCK_CHARACTERS = 512 << 10
_OTHERS = 30
"""Environments that this one can be compared with by a click; any other by its digest."""


class Seen(Struct, frozen=True):
    """What a look at the disk found."""

    looked: Looked
    log: str
    last_used: Micros | None
    others: list[tuple[str, str]]
    """Digests and what they are, the last used first."""
    other: Lock | None
    """The one that this is compared with, where it is on this machine."""


class Compared(Struct, frozen=True):
    digest: str
    changes: list[Change]
    more: int
    same: int
    note: str


class EnvironmentPage(Struct, frozen=True):
    digest: str
    state: str
    cause: str
    python: str
    packages: list[tuple[str, str]]
    hashes: str
    """The lock's text, with hashes."""
    is_cut: bool
    facts: list[tuple[str, str]]
    asked: list[tuple[str, str]]
    runs: list[User]
    log: str
    others: list[tuple[str, str]]
    compared: Compared | None


class NamedPage(Struct, frozen=True):
    view: EnvironmentView
    is_latest: bool
    asked: list[tuple[str, str]]
    versions: list[tuple[int, str, str, Micros]]
    """Number, address, what it asks for, when it was registered."""
    paged: Paged


def look(digest: str, other: str) -> Seen:
    """Raises UserErrorException for what is no digest."""
    digests.check(digest)
    there = shelf.listed()
    chosen = [each.digest for each in there if each.is_there and each.digest != digest][:_OTHERS]
    last_used = next((each.last_used for each in there if each.digest == digest), None)
    found = shelf.look([digest])[digest]
    titles = [(each, f"{each[:12]} · {when(_used(there, each))}") for each in chosen]
    compared = shelf.look([digests.check(other)])[other].lock if other else None
    return Seen(found, shelf.log(digest), last_used, titles, compared)


def _used(there: list[shelf.Kept], digest: str) -> Micros:
    return next(each.last_used for each in there if each.digest == digest)


def build(read: Read, digest: str, seen: Seen, other: str) -> EnvironmentPage:
    """Raises NotFound."""
    lock = store.get(read, digest) or seen.looked.lock
    users = lock_users.of_lock(read, digest, _MOST_RUNS)
    if lock is None and seen.looked.state == "gone" and not users:
        raise NotFound(
            f"There is no environment {digest[:12]} on this machine, and no run of this workspace had it."
        )
    state = "not on this machine" if seen.looked.state == "gone" else seen.looked.state
    if lock is not None and not lock.built:
        state = "used as it is"
    facts = {
        "Python": environment_list.python(lock),
        "Interpreter": lock.interpreter.path if lock else "",
        "Platform": lock.platform if lock else "",
        "Packages": f"{environment_list.count(lock):,}" if lock and lock.built else "",
        "Disk": "" if seen.looked.size is None else size(seen.looked.size),
        "Last used": when(seen.last_used),
        "Indexes": ", ".join(index.kept().url for index in lock.index_urls) if lock else "",
        "Built with": ", ".join(lock.build_constraints) if lock else "",
        "Digest": digest,
    }
    return EnvironmentPage(
        digest=digest,
        state=state,
        cause=redacted(seen.looked.cause),
        python=facts["Python"],
        packages=_packages(lock),
        hashes=lock.requirements[:_LOCK_CHARACTERS] if lock else "",
        is_cut=lock is not None and len(lock.requirements) > _LOCK_CHARACTERS,
        facts=[(name, value) for name, value in facts.items() if value],
        asked=_asked_by(read, users),
        runs=users,
        log=console.shown(redacted(seen.log)).text if seen.log else "",
        others=seen.others,
        compared=_compared(read, lock, seen, other),
    )


def named(read: Read, name: str, version: int | None, start: int) -> NamedPage:
    """`version` None: the latest. Raises NotFound."""
    latest = registry.get(read, name, None)
    shown = latest if version in (None, latest.version) else registry.get(read, name, version)
    found, total = listing.of_one(read, name, start, ROWS)
    variables = shown.definition.environment_variables
    return NamedPage(
        view=shown,
        is_latest=shown.version == latest.version,
        asked=[*asked(shown.definition.request), *((f"${key}", value) for key, value in variables.items())],
        versions=[
            (
                each.version,
                named_environment_address(name, each.version),
                environment_list.asked(each.definition.request),
                each.created_at,
            )
            for each in found
        ],
        paged=Paged(named_environment_address(name), total, start),
    )


def asked(request: EnvironmentRequest) -> list[tuple[str, str]]:
    """What somebody asked for, one thing in each line."""
    framework = f"{request.framework} {request.framework_version or ''}".strip() if request.framework else ""
    lines = {
        "Python": request.python or "",
        "Framework": framework,
        "Interpreter": request.interpreter or "",
        "Conda": ", ".join(request.conda_packages),
        "Packages": ", ".join(request.packages),
        "From disk": ", ".join(each.given or each.filename for each in request.archives),
        "Indexes": ", ".join(redacted(index.url) for index in request.index_urls),
        "Constraints": ", ".join(request.pip.constraints),
    }
    return [(name, value) for name, value in lines.items() if value]


def _asked_by(read: Read, users: list[User]) -> list[tuple[str, str]]:
    """Of the latest run that had it."""
    run = runs.get(read, users[0].run_id) if users else None
    if run is None:
        return []
    submission = msgspec.json.decode(run.submission, type=Submission)
    name = [("Name", submission.environment_name)] if submission.environment_name else []
    return name + asked(submission.environment)


def _packages(lock: Lock | None) -> list[tuple[str, str]]:
    if lock is None:
        return []
    brought = [(each.name, each.given or each.filename) for each in lock.archives]
    return brought + sorted(packages.versions(lock.requirements).items())


def _compared(read: Read, lock: Lock | None, seen: Seen, other: str) -> Compared | None:
    """Raises NotFound."""
    if not other:
        return None
    second = store.get(read, other) or seen.other
    if second is None:
        raise NotFound(f"There is no environment {other[:12]} to compare with.")
    if lock is None:
        return Compared(other, [], 0, 0, "Of this one no lock is known.")
    section = packages.compare(msgspec.to_builtins(second), msgspec.to_builtins(lock))
    more = max(0, len(section.changes) - _MOST_CHANGES)
    return Compared(other, list(section.changes[:_MOST_CHANGES]), more, section.same, section.note)
