"""What the page of models shows: a row for each name, with its latest version."""

from __future__ import annotations

from msgspec import Struct

from faena.db import Read
from faena.endpoints import store as endpoints
from faena.kernel.clock import Micros
from faena.kernel.plural import counted
from faena.models import listing
from faena.models.listing import Line
from faena.runs import store as runs
from faena.server.pages.addresses import MODELS, model_address
from faena.server.pages.endpoints.page import page_address
from faena.server.pages.paging import ROWS, Paged
from faena.server.pages.rendering import run_address

_MOST_TAGS = 8
_MOST_ALIASES = 8
_LONGEST = 200
"""Characters of a description in a table."""


class Use(Struct, frozen=True):
    """An endpoint that has a model."""

    name: str
    address: str
    answers: bool
    """Whether the model answers there now; else it is kept to be rolled back to."""


class Row(Struct, frozen=True):
    name: str
    address: str
    version: int
    versions: str
    created_at: Micros
    run: str
    """The title of the run that it comes from, at `run_address`; both empty for none."""
    run_address: str
    size: int
    files: str
    framework: str
    description: str
    tags: list[tuple[str, str]]
    more_tags: int
    uses: list[Use]
    aliases: list[tuple[str, int]]
    """With the versions that they mean: all of the name's, or those of the version."""
    more_aliases: int
    stage: str
    origin: str
    """Where its files came from, for what no run made."""


class ModelList(Struct, frozen=True):
    rows: list[Row]
    paged: Paged


def build(read: Read, text: str, start: int) -> ModelList:
    lines, total = listing.latest(read, text.strip(), start, ROWS)
    return ModelList(rows(read, lines, each_version=False), Paged(MODELS, total, start, text.strip()))


def rows(read: Read, lines: list[Line], *, each_version: bool) -> list[Row]:
    """Endpoints are those of the version, or of all versions of the name."""
    uses = _uses(read, [line.name for line in lines])
    titles = runs.get_many(read, list({line.run_id for line in lines if line.run_id}))
    found = []
    for line in lines:
        run = titles.get(line.run_id or "")
        tags = list(line.tags.items())
        aliases = [
            (alias, version)
            for alias, version in line.aliases.items()
            if version == line.version or not each_version
        ]
        having = [
            each
            for (name, version), users in uses.items()
            if name == line.name and (version == line.version or not each_version)
            for each in users
        ]
        found.append(
            Row(
                name=line.name,
                address=model_address(line.name, line.version if each_version else None)
                if line.version
                else "",
                version=line.version,
                versions=counted(line.versions, "version"),
                created_at=line.created_at,
                run=(run.name or run.id) if run else line.run_id or "",
                run_address=run_address(line.run_id) if line.run_id else "",
                size=line.size,
                files=counted(line.files, "file"),
                framework=f"{line.framework.name} {line.framework.version}".strip(),
                description=_short(line.description),
                tags=tags[:_MOST_TAGS],
                more_tags=max(0, len(tags) - _MOST_TAGS),
                aliases=aliases[:_MOST_ALIASES],
                more_aliases=max(0, len(aliases) - _MOST_ALIASES),
                stage=line.stage,
                origin=_short(line.source) or ("a local file" if line.version else ""),
                uses=list(
                    {each.name: each for each in sorted(having, key=lambda each: each.answers)}.values()
                ),
            )
        )
    return found


def _uses(read: Read, names: list[str]) -> dict[tuple[str, int], list[Use]]:
    users = endpoints.users_of_models(read, names)
    if not users:
        return {}
    traffic = {each.name: set(each.traffic) for each in endpoints.list_all(read)}
    return {
        key: [
            Use(name, page_address(name), bool(numbers & traffic.get(name, set())))
            for name, numbers in of.items()
        ]
        for key, of in users.items()
    }


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
