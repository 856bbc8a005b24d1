"""Use cases of endpoints: deploy, change, roll back, delete. What a front must do about it, the keeper sees to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from faena.data import store as snapshots
from faena.db import Read, Write
from faena.endpoints import places, store
from faena.endpoints.model import (
    Endpoint,
    Revision,
    Stage,
    check_name,
    check_settings,
    check_spec,
    check_traffic,
    with_share,
)
from faena.endpoints.schemas import Deployment, EndpointChange, FailureView, RevisionSpec, Settings
from faena.environments import serving
from faena.environments import store as locks
from faena.kernel.clock import Micros
from faena.kernel.errors import (
    Conflict,
    NotFound,
    SnapshotException,
    WebserviceException,
)
from faena.models import service as models
from faena.runs import variables

ENDPOINTS = "endpoints"
"""The topic of what the keeper has to look at."""


def topic(name: str) -> str:
    """Of changes of an endpoint."""
    return f"endpoint:{name}"


def deploy(
    write: Write,
    name: str,
    request_id: str,
    asked: Deployment,
    now: Micros,
    ready: tuple[str, str] | None = None,
) -> tuple[Endpoint, Revision]:
    """Take a revision in; the same request again gives the same one. `ready`: digest of its lock, and its interpreter.

    Raises WebserviceException for what cannot be deployed, ModelNotFoundException, SnapshotException, Conflict for
    a name that is taken, NotFound for one that is not there, as `onto` says.
    """
    check_name(name)
    if before := store.revision_of_request(write, request_id):
        if (before.endpoint, before.spec) != (name, asked.revision):
            raise Conflict(
                f"The request {request_id[:64]} deployed something else to {before.endpoint}. Use a new request id."
            )
        return get(write, name), before
    spec = asked.revision
    _check_revision(write, spec)
    there = store.get(write, name)
    _check_name(there, name, asked)
    if asked.settings is not None:
        check_settings(asked.settings)
        places.check(write, there, asked.settings)
    number = 1 if there is None else there.latest + 1
    revision = Revision(name, number, request_id, now, spec, Stage.PREPARING, lock=spec.lock or None)
    base = {} if there is None else (there.wanted or there.traffic)
    wanted = with_share(base, number, asked.percentage)
    if there is None:
        endpoint = Endpoint(
            name=name,
            created_at=now,
            updated_at=now,
            version=1,
            settings=asked.settings or Settings(),
            latest=number,
            traffic={},
            wanted=wanted,
            shadow=None,
            state="Transitioning",
            failure=None,
            port=None,
            deleted_at=None,
        )
        store.add(write, endpoint)
        write.notify(ENDPOINTS)
    else:
        endpoint = replace(
            there, settings=asked.settings or there.settings, latest=number, wanted=wanted, failure=None
        )
        endpoint = put(write, endpoint, now)
    store.add_revision(write, revision)
    if ready is not None:
        store.set_stage(write, revision, Stage.PREPARING, lock=ready[0], python=ready[1])
    return endpoint, revision


def get(read: Read, name: str) -> Endpoint:
    """Raises NotFound, naming those that are there."""
    found = store.get(read, name)
    if found is None:
        there = [each.name for each in store.list_all(read)]
        raise NotFound(
            f"WebserviceNotFound: Webservice with name {name[:80]} not found in provided workspace. "
            + (f"There is {', '.join(there[:10])}." if there else "Deploy a model with `faena deploy MODEL`.")
        )
    return found


def change(write: Write, name: str, wanted: EndpointChange, now: Micros) -> Endpoint:
    """Raises NotFound, and WebserviceException for what cannot be."""
    endpoint = _alive(get(write, name))
    numbers = {revision.number: revision for revision in store.revisions_of(write, [name])}
    if wanted.traffic is not None:
        traffic = check_traffic(wanted.traffic)
        for number in traffic:
            _bring_back(write, name, numbers, number)
        endpoint = replace(endpoint, wanted=traffic, failure=None)
    if wanted.shadow is not None:
        if wanted.shadow:
            _bring_back(write, name, numbers, wanted.shadow)
        endpoint = replace(endpoint, shadow=wanted.shadow or None)
    settings = _changed(endpoint.settings, wanted)
    check_settings(settings)
    return put(write, replace(endpoint, settings=settings), now)


def roll_back(write: Write, name: str, to: int | None, now: Micros) -> Endpoint:
    """Have an earlier revision answer everything again; None: of several that answer now the first one, else the one
    before.

    Raises WebserviceException where there is none.
    """
    endpoint = _alive(get(write, name))
    numbers = {revision.number: revision for revision in store.revisions_of(write, [name])}
    if to is None:
        first = min(endpoint.traffic, default=0)
        retired = (number for number, revision in numbers.items() if revision.stage is Stage.RETIRED)
        earlier = [first] if len(endpoint.traffic) > 1 else [number for number in retired if number < first]
        if not earlier:
            raise WebserviceException(
                f"{name} has no revision before the one that answers. `faena endpoint show {name}` lists what it has."
            )
        to = max(earlier)
    _bring_back(write, name, numbers, to)
    return put(write, replace(endpoint, wanted={to: 100}, failure=None), now)


def delete(write: Write, name: str, now: Micros) -> None:
    """What was asked already is answered; then the endpoint is gone. Repeating it has no second effect."""
    endpoint = get(write, name)
    if endpoint.deleted_at is None:
        put(write, replace(endpoint, deleted_at=now, state="Deleting"), now)


def put(write: Write, endpoint: Endpoint, now: Micros) -> Endpoint:
    """Keep what was changed, and tell whoever waits for it."""
    changed = replace(endpoint, version=endpoint.version + 1, updated_at=now)
    store.change(write, changed)
    write.notify(ENDPOINTS)
    write.notify(topic(endpoint.name))
    return changed


def _check_revision(read: Read, spec: RevisionSpec) -> None:
    check_spec(spec)
    variables.check(spec.environment_variables, spec.inherited_variables)
    if spec.lock:
        if (lock := locks.get(read, spec.lock)) is None:
            raise NotFound(f"No run of this workspace has the environment {spec.lock[:80]!r}.")
        serving.refuse_lock(lock)
    for use in spec.models:
        model = models.get(read, use.name, use.version)
        if not model.files:
            raise WebserviceException(
                f"The model {use.name}:{use.version} has no files here: it was registered as {model.source[:300]!r}. "
                "Register its files, and deploy that version."
            )
    files = snapshots.files(read, spec.snapshot)
    if files is None:
        raise SnapshotException(
            f"There is no snapshot {spec.snapshot[:64]!r} in this workspace. Send it before the deployment."
        )
    if spec.kind is None and spec.entry not in {file.path for file in files}:
        raise WebserviceException(
            f"The scoring script {spec.entry[:200]!r} is not in the source folder. There is: "
            f"{', '.join(sorted(file.path for file in files)[:10])}."
        )


def _check_name(there: Endpoint | None, name: str, asked: Deployment) -> None:
    if there is None:
        if asked.onto == "existing":
            raise NotFound(f"There is no endpoint {name}. Deploy it first.")
        return
    _alive(there)
    if asked.onto == "new":
        raise Conflict(
            f"Service {name} already exists ({there.state}). Use overwrite=True (--overwrite) to put this "
            "deployment in its place without losing a request, update() to change it, or another name."
        )


def is_elsewhere(read: Read, name: str, asked: Deployment) -> bool:
    """Whether what is deployed is to be on a machine of a joined cluster."""
    if asked.settings is not None:
        return bool(asked.settings.cluster)
    there = store.get(read, name)
    return there is not None and bool(there.settings.cluster)


def _alive(endpoint: Endpoint) -> Endpoint:
    if endpoint.deleted_at is not None:
        raise Conflict(f"{endpoint.name} is being deleted. Wait until it is gone, or use another name.")
    return endpoint


def _bring_back(write: Write, name: str, numbers: Mapping[int, Revision], number: int) -> None:
    """Have a revision that is named be one that can answer."""
    revision = numbers.get(number)
    if revision is None:
        raise WebserviceException(
            f"{name} has no revision {number}. It has {', '.join(map(str, sorted(numbers)))}."
        )
    if revision.stage is Stage.FAILED:
        why = revision.failure or FailureView("it is not known why")
        message = why.message.rstrip(".")
        raise WebserviceException(f"Revision {number} of {name} has failed: {message}. Deploy a new one.")
    if revision.stage is Stage.RETIRED:
        store.set_stage(write, revision, Stage.PREPARING)


def _changed(settings: Settings, wanted: EndpointChange) -> Settings:
    given = {
        "auth_enabled": wanted.auth_enabled,
        "limits": wanted.limits,
        "cors_origins": wanted.cors_origins,
        "description": wanted.description,
        "sticky_header": wanted.sticky_header,
        "keep_requests": wanted.keep_requests,
    }
    tags = settings.tags if wanted.tags is None else wanted.tags
    kept = {key: value for key, value in {**tags, **wanted.add_tags}.items() if key not in wanted.remove_tags}
    for key, value in wanted.add_properties.items():
        if settings.properties.get(key, value) != value:
            raise Conflict(f"The property {key[:80]!r} has another value, and properties never change.")
    return msgspec.structs.replace(
        settings,
        tags=kept,
        properties={**settings.properties, **wanted.add_properties},
        **{name: value for name, value in given.items() if value is not None},
    )
