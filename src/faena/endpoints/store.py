"""SQL of endpoints and their revisions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata
from faena.endpoints.model import Endpoint, Revision, Stage
from faena.endpoints.schemas import FailureView, RevisionSpec, Settings
from faena.objects.references import SNAPSHOT
from faena.workspaces import needs

_UNREADABLE = (msgspec.DecodeError, msgspec.ValidationError, ValueError)

endpoints = sa.Table(
    "endpoints",
    metadata,
    sa.Column("name", String(32), primary_key=True),
    sa.Column("created_at", BigInteger, nullable=False),
    sa.Column("updated_at", BigInteger, nullable=False),
    sa.Column("version", BigInteger, nullable=False),
    sa.Column("settings", sa.LargeBinary, nullable=False),
    sa.Column("latest", Integer, nullable=False),
    sa.Column("traffic", sa.LargeBinary, nullable=False),
    sa.Column("wanted", sa.LargeBinary),
    sa.Column("shadow", Integer),
    sa.Column("state", String(16), nullable=False),
    sa.Column("failure", sa.LargeBinary),
    sa.Column("port", Integer),
    sa.Column("deleted_at", BigInteger),
)

revisions = sa.Table(
    "endpoint_revisions",
    metadata,
    sa.Column("endpoint", sa.ForeignKey("endpoints.name"), primary_key=True),
    sa.Column("number", Integer, primary_key=True),
    sa.Column("request_id", String(64), nullable=False, unique=True),
    sa.Column("created_at", BigInteger, nullable=False),
    sa.Column("spec", sa.LargeBinary, nullable=False),
    sa.Column("snapshot", sa.ForeignKey("snapshots.digest"), nullable=False, index=True, info=SNAPSHOT),
    sa.Column("stage", String(16), nullable=False),
    sa.Column("failure", sa.LargeBinary),
    sa.Column("lock", String(64)),
    sa.Column("python", Text),
)

used_models = sa.Table(
    "endpoint_models",
    metadata,
    sa.Column("endpoint", String(32), primary_key=True),
    sa.Column("number", Integer, primary_key=True),
    sa.Column("name", String(255), primary_key=True),
    sa.Column("version", Integer, primary_key=True),
    sa.ForeignKeyConstraint(
        ["endpoint", "number"], ["endpoint_revisions.endpoint", "endpoint_revisions.number"]
    ),
    sa.ForeignKeyConstraint(["name", "version"], ["model_versions.name", "model_versions.version"]),
    sa.Index("endpoint_models_by_model", "name", "version"),
)
"""What the revisions serve: a model in use is not deleted."""


def add(write: Write, endpoint: Endpoint) -> None:
    columns = {name: getattr(endpoint, name) for name in ("name", "created_at", "deleted_at")}
    write.execute(endpoints.insert().values(**columns, **_columns(endpoint)))


def change(write: Write, endpoint: Endpoint) -> None:
    """Put what may change of it in the place of what there is."""
    where = endpoints.c.name == endpoint.name
    write.execute(
        endpoints.update().where(where).values(**_columns(endpoint), deleted_at=endpoint.deleted_at)
    )


def _columns(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "updated_at": endpoint.updated_at,
        "version": endpoint.version,
        "settings": msgspec.json.encode(_kept(endpoint)),
        "latest": endpoint.latest,
        "traffic": msgspec.json.encode(endpoint.traffic),
        "wanted": None if endpoint.wanted is None else msgspec.json.encode(endpoint.wanted),
        "shadow": endpoint.shadow,
        "state": endpoint.state,
        "failure": _encoded(endpoint.failure),
        "port": endpoint.port,
    }


def get(read: Read, name: str) -> Endpoint | None:
    """Raises ValueError or a msgspec error for a row that holds what no endpoint can have."""
    row = read.execute(endpoints.select().where(endpoints.c.name == name)).first()
    return None if row is None else _endpoint(row)


def list_all(read: Read) -> list[Endpoint]:
    """By name, without those whose rows cannot be read."""
    found = []
    for row in read.execute(endpoints.select().order_by(endpoints.c.name)):
        with suppress(*_UNREADABLE):
            found.append(_endpoint(row))
    return found


def all_ids(read: Read) -> frozenset[str]:
    """`Endpoint.id` of all, also of those whose rows cannot be read otherwise."""
    rows = read.execute(sa.select(endpoints.c.name, endpoints.c.created_at))
    return frozenset(f"{row.name}.{row.created_at}" for row in rows)


def add_revision(write: Write, revision: Revision) -> None:
    write.execute(
        revisions.insert().values(
            endpoint=revision.endpoint,
            number=revision.number,
            request_id=revision.request_id,
            created_at=revision.created_at,
            spec=msgspec.json.encode(revision.spec),
            snapshot=revision.spec.snapshot,
            stage=revision.stage.value,
            failure=_encoded(revision.failure),
            lock=revision.lock,
            python=revision.python,
        )
    )
    rows = [
        {"endpoint": revision.endpoint, "number": revision.number, "name": use.name, "version": use.version}
        for use in dict.fromkeys(revision.spec.models)
    ]
    if rows:
        write.execute(used_models.insert(), rows)


def set_stage(
    write: Write,
    revision: Revision,
    stage: Stage,
    *,
    failure: FailureView | None = None,
    lock: str | None = None,
    python: str | None = None,
) -> None:
    """`lock` and `python`: None leaves those that it has."""
    known = {name: value for name, value in (("lock", lock), ("python", python)) if value is not None}
    where = (revisions.c.endpoint == revision.endpoint) & (revisions.c.number == revision.number)
    write.execute(
        revisions.update().where(where).values(stage=stage.value, failure=_encoded(failure), **known)
    )


def revision_of_request(read: Read, request_id: str) -> Revision | None:
    row = read.execute(revisions.select().where(revisions.c.request_id == request_id)).first()
    return None if row is None else _revision(row)


def revisions_of(read: Read, names: Sequence[str]) -> list[Revision]:
    """Those of some endpoints, the newest of each first."""
    wanted = revisions.select().where(revisions.c.endpoint.in_(list(names)))
    rows = read.execute(wanted.order_by(revisions.c.endpoint, revisions.c.number.desc()))
    return [_revision(row) for row in rows]


def users_of_models(read: Read, names: Sequence[str]) -> dict[tuple[str, int], dict[str, set[int]]]:
    """By name and version of some models: endpoints that have it, with the numbers of their revisions."""
    found: dict[tuple[str, int], dict[str, set[int]]] = {}
    asked = used_models.select().where(used_models.c.name.in_(list(names)))
    for row in read.execute(asked.order_by(used_models.c.endpoint)):
        found.setdefault((row.name, row.version), {}).setdefault(row.endpoint, set()).add(row.number)
    return found


def all_with_revisions(read: Read) -> list[tuple[Endpoint, list[Revision]]]:
    """By name, each with its own, the newest first."""
    there = list_all(read)
    if not there:
        return []
    by_name: dict[str, list[Revision]] = {each.name: [] for each in there}
    for revision in revisions_of(read, list(by_name)):
        by_name[revision.endpoint].append(revision)
    return [(each, by_name[each.name]) for each in there]


def forget_revisions(write: Write, name: str, numbers: Sequence[int]) -> None:
    for table in (used_models, revisions):
        write.execute(table.delete().where((table.c.endpoint == name) & table.c.number.in_(list(numbers))))


def forget(write: Write, name: str) -> None:
    """All that there is of an endpoint."""
    for table in (used_models, revisions):
        write.execute(table.delete().where(table.c.endpoint == name))
    write.execute(endpoints.delete().where(endpoints.c.name == name))


@needs.servers.add
def keeps_a_server(read: Read) -> bool:
    """A front that dies is started again by the server."""
    return read.execute(sa.select(endpoints.c.name).limit(1)).first() is not None


@needs.environments.add
def needed_environments(read: Read) -> frozenset[str]:
    query = sa.select(revisions.c.lock).where(revisions.c.lock.is_not(None))
    return frozenset(read.execute(query).scalars())


@needs.keepers.add
def kept_while_deployed(read: Read, _: Sequence[str], models: needs.Models) -> needs.Kept | None:
    """Models that an endpoint serves, or can be rolled back to."""
    if not models:
        return None
    asked = sa.tuple_(used_models.c.name, used_models.c.version).in_(list(models))
    rows = read.execute(
        sa.select(used_models.c.name, used_models.c.version, used_models.c.endpoint).where(asked)
    )
    users: dict[str, set[str]] = {}
    for row in rows:
        users.setdefault(f"{row.name}:{row.version}", set()).add(row.endpoint)
    if not users:
        return None
    by = sorted(set().union(*users.values()))
    why = (
        f"Deployed: {needs.few(sorted(users))}, by the {'endpoint' if len(by) == 1 else 'endpoints'} "
        f"{needs.few(by)}. `faena endpoint delete {by[0]}` ends it, or deploy another version there first."
    )
    return needs.Kept(tuple(sorted(users)), why)


class _Kept(Settings, frozen=True, forbid_unknown_fields=True):
    """And what the server has chosen."""

    machine: str = ""


def _kept(endpoint: Endpoint) -> _Kept:
    return _Kept(**msgspec.structs.asdict(endpoint.settings), machine=endpoint.machine)


def _settings(kept: _Kept) -> Settings:
    return Settings(**{name: getattr(kept, name) for name in Settings.__struct_fields__})


def _endpoint(row: Any) -> Endpoint:
    kept = msgspec.json.decode(row.settings, type=_Kept)
    return Endpoint(
        name=row.name,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
        settings=_settings(kept),
        latest=row.latest,
        traffic=msgspec.json.decode(row.traffic, type=dict[int, int]),
        wanted=None if row.wanted is None else msgspec.json.decode(row.wanted, type=dict[int, int]),
        shadow=row.shadow,
        state=row.state,
        failure=_failure(row.failure),
        port=row.port,
        deleted_at=row.deleted_at,
        machine=kept.machine,
    )


def _revision(row: Any) -> Revision:
    return Revision(
        endpoint=row.endpoint,
        number=row.number,
        request_id=row.request_id,
        created_at=row.created_at,
        spec=msgspec.json.decode(row.spec, type=RevisionSpec),
        stage=Stage(row.stage),
        failure=_failure(row.failure),
        lock=row.lock,
        python=row.python,
    )


def _encoded(failure: FailureView | None) -> bytes | None:
    return None if failure is None else msgspec.json.encode(failure)


def _failure(data: bytes | None) -> FailureView | None:
    return None if data is None else msgspec.json.decode(data, type=FailureView)
