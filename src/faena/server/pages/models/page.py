"""What the page of a model shows: one version whole, and all of them side by side."""

from __future__ import annotations

import posixpath

from msgspec import Struct

from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound
from faena.models import alias_store, listing, service
from faena.models.listing import Line
from faena.models.model import ModelFile, ModelVersion
from faena.runs import store as runs
from faena.server.pages.addresses import model_address, model_file_address
from faena.server.pages.models import lineage
from faena.server.pages.models import list as model_list
from faena.server.pages.models.lineage import Stage
from faena.server.pages.models.list import Row
from faena.server.pages.paging import ROWS, Paged
from faena.server.pages.rendering import file_address
from faena.server.pages.runs import columns as runs_columns
from faena.tracking import files as run_files

_MOST_FILES = 300
_MOST_ALIASES = 200


class File(Struct, frozen=True):
    name: str
    size: int
    address: str
    preview: str
    """Address of the page that shows it; empty for what no run made."""


class Version(Struct, frozen=True):
    row: Row
    cells: list[str]


class Alias(Struct, frozen=True):
    alias: str
    version: int
    set_at: Micros
    address: str


class ModelPage(Struct, frozen=True):
    name: str
    row: Row
    """The version that is shown."""
    is_latest: bool
    description: str
    stages: list[Stage]
    columns: list[str]
    """Metrics and parameters that most of the shown versions' runs have."""
    versions: list[Version]
    paged: Paged
    files: list[File]
    more_files: int
    facts: list[tuple[str, str]]
    tags: dict[str, str]
    properties: dict[str, str]
    aliases: list[Alias]
    """Of all versions."""
    numbers: list[int]
    """Versions to choose from: those of this page of the list, and the one that is shown."""


def build(read: Read, name: str, version: int | None, start: int, now: Micros) -> ModelPage:
    """`version` None: the latest. Raises ModelNotFoundException."""
    latest = service.get(read, name, None)
    shown = latest if version in (None, latest.version) else service.get(read, name, version)
    lines, total = listing.of_one(read, name, start, ROWS)
    line = next((each for each in lines if each.version == shown.version), _line(shown))
    [row] = model_list.rows(read, [line], each_version=True)
    columns, versions = _versions(read, lines, now)
    of_run = _files_of_run(read, shown)
    files = [_file(shown, file, of_run) for file in shown.files[:_MOST_FILES]]
    facts = {
        "Stage": shown.stage,
        "Registered": shown.path,
        "Source": shown.source if shown.source != shown.path else "",
        "Framework": row.framework,
        "Files": f"{len(shown.files):,}",
    }
    return ModelPage(
        name=name,
        row=row,
        is_latest=shown is latest,
        description=shown.description,
        stages=lineage.build(read, line, shown.datasets),
        columns=columns,
        versions=versions,
        paged=Paged(
            model_address(name), total, start, others={} if version is None else {"version": str(version)}
        ),
        files=files,
        more_files=max(0, len(shown.files) - _MOST_FILES),
        facts=[(key, value) for key, value in facts.items() if value],
        tags=shown.tags,
        properties=shown.properties,
        aliases=[
            Alias(each.alias, each.version, each.set_at, model_address(name, each.version))
            for each in alias_store.of_model(read, name, _MOST_ALIASES)
        ],
        numbers=sorted({shown.version, *(each.version for each in lines)}, reverse=True),
    )


def file(read: Read, name: str, version: int, path: str) -> ModelFile:
    """Raises ModelNotFoundException, NotFound."""
    service.get(read, name, version)
    found = listing.file(read, name, version, path)
    if found is None:
        raise NotFound(f"Version {version} of the model {name!r} has no file {path[:200]!r}.")
    return found


def _line(shown: ModelVersion) -> Line:
    """Of a version that is on another page of the list."""
    return Line(
        name=shown.name,
        version=shown.version,
        run_id=shown.run_id,
        path=shown.path,
        created_at=shown.created_at,
        description=shown.description,
        framework=shown.framework,
        tags=shown.tags,
        size=sum(each.size for each in shown.files),
        files=len(shown.files),
        aliases=dict.fromkeys(shown.aliases, shown.version),
        stage=shown.stage,
        source=shown.source,
    )


def _versions(read: Read, lines: list[Line], now: Micros) -> tuple[list[str], list[Version]]:
    ids = list(dict.fromkeys(line.run_id for line in lines if line.run_id))
    there = runs.get_many(read, ids)
    facts = runs_columns.facts(read, list(there), [])
    columns = [each for each in runs_columns.default(facts, "") if each.of]
    found = []
    for line, row in zip(lines, model_list.rows(read, lines, each_version=True), strict=True):
        run = there.get(line.run_id or "")
        cells = [runs_columns.cell(run, column, facts, now) if run else "" for column in columns]
        found.append(Version(row, cells))
    return [column.title for column in columns], found


def _files_of_run(read: Read, shown: ModelVersion) -> frozenset[str]:
    """Names of files that the run still has where the model's were."""
    if shown.run_id is None:
        return frozenset()
    prefix = shown.path.removeprefix("./").rstrip("/")
    return frozenset(
        each.name for each in run_files.files(read, shown.run_id, "" if prefix == "." else prefix)
    )


def _file(shown: ModelVersion, file: ModelFile, of_run: frozenset[str]) -> File:
    """A run keeps it below the folder that the registered path lies in."""
    address = model_file_address(shown.name, shown.version, file.path)
    if shown.run_id is None:
        return File(file.path, file.size, address, "")
    name = posixpath.join(posixpath.dirname(shown.path.removeprefix("./").rstrip("/")), file.path)
    preview = file_address(shown.run_id, name, "preview") if name in of_run else ""
    return File(file.path, file.size, address, preview)
