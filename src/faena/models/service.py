"""Use cases of the registry: register files of a run, find, list, change, delete."""

from __future__ import annotations

from msgspec.structs import replace

from faena.db import Read, Write
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict, ModelNotFoundException, ModelPathNotFoundException
from faena.models import names, store
from faena.models.logged import store as logged_models
from faena.models.model import Framework, ModelVersion, Search, check_framework, select_files
from faena.models.schemas import DatasetUse, LineageView, ModelChange, ModelFileView, ModelView, Registration
from faena.objects import store as objects
from faena.runs import service as runs
from faena.runs import store as run_store
from faena.runs.schemas import RunView
from faena.tracking import files as run_files


def digests_of(read: Read, asked: Registration) -> list[str]:
    """Of the files of the run that are to be registered, as far as there are any. Raises NotFound."""
    return [file.digest for file in select_files(_files(read, asked.run_id), asked.path)]


def register(
    write: Write,
    name: str,
    request_id: str,
    asked: Registration,
    now: Micros,
    *,
    there: frozenset[str] = frozenset(),
) -> ModelView:
    """Give files of a run a version; the same request again gives the same version. No byte is copied.

    `there`: names of more files that the run has now.

    Raises ModelPathNotFoundException listing what is there, NotFound when there is no such run.
    """
    ids.check_model_name(name)
    framework = Framework(asked.framework, asked.framework_version)
    check_framework(framework)
    if before := view_of_request(write, name, request_id, asked.run_id, asked.path):
        return before
    run = runs.get(write, asked.run_id)
    kept = _files(write, run.id)
    chosen = select_files(kept, asked.path)
    if not chosen:
        raise ModelPathNotFoundException(
            f"Could not locate the provided model_path {asked.path[:300]} in the set of files uploaded to the run: "
            f"{sorted({*kept, *there})[:50]}."
        )
    model = ModelVersion(
        name=name,
        version=0,
        run_id=run.id,
        path=asked.path,
        created_at=now,
        description=asked.description,
        tags=asked.tags,
        properties=asked.properties,
        framework=framework,
        datasets=tuple((use.name, use.id) for use in asked.datasets),
        files=chosen,
    )
    return add(write, model, request_id)


def add(write: Write, model: ModelVersion, request_id: str) -> ModelView:
    """Give the model the next version of its name, unless the request did so before."""
    if before := view_of_request(write, model.name, request_id, model.run_id, model.path):
        return before
    objects.touch(write, {file.digest: file.size for file in model.files}, model.created_at)
    names.ensure(write, model.name, model.created_at)
    given = replace(model, version=store.next_version(write, model.name), changed_at=model.created_at)
    store.add(write, given, request_id)
    return view(write, given)


def view_of_request(
    read: Read, name: str, request_id: str, run_id: str | None, path: str
) -> ModelView | None:
    """What this request registered before. Raises Conflict when it asked for something else then."""
    if gone := store.deleted_by_request(read, request_id):
        raise Conflict(
            f"The request {request_id} registered {gone}, which was deleted. Use a new request id."
        )
    existing = store.by_request(read, request_id)
    if existing is None:
        return None
    if (existing.name, existing.run_id, existing.path) != (name, run_id, path):
        raise Conflict(f"The request {request_id} registered {existing.name!r} before. Use a new request id.")
    return view(read, existing)


def get(read: Read, name: str, version: int | None) -> ModelVersion:
    """A version, the latest when None. Raises ModelNotFoundException."""
    found = store.latest(read, name) if version is None else store.get(read, name, version)
    if found is None:
        raise _missing(name if version is None else f"{name}:{version}")
    return found


def list_models(read: Read, wanted: Search, *, latest: bool) -> list[ModelView]:
    """By name, the latest version first; `latest`: of those that match only that one of each name."""
    found = store.search(read, wanted)
    if latest:
        newest = {model.name: model for model in reversed(found)}
        found = [newest[name] for name in sorted(newest)]
    made_by: dict[str, RunView] = {}
    return [view(read, model, made_by) for model in found]


def change(write: Write, name: str, version: int, wanted: ModelChange, now: Micros) -> ModelView:
    """Repeating a change has no second effect.

    Raises ModelNotFoundException, and Conflict for a property that has another value: properties never change.
    """
    model = get(write, name, version)
    for key, value in wanted.add_properties.items():
        if model.properties.get(key, value) != value:
            raise Conflict(
                f"The property {key[:80]!r} of {name}:{version} is {model.properties[key][:80]!r}, and properties "
                "never change. Use a tag, or another property."
            )
    if wanted.tags is not None:
        store.remove_tags(write, name, version)
        store.set_labels(write, name, version, store.TAG, wanted.tags)
    store.remove_tags(write, name, version, wanted.remove_tags)
    store.set_labels(write, name, version, store.TAG, wanted.add_tags)
    store.set_labels(write, name, version, store.PROPERTY, wanted.add_properties)
    kept = [use for use in model.datasets if use[0] not in {use.name for use in wanted.datasets}]
    uses = dict.fromkeys([*kept, *((use.name, use.id) for use in (*wanted.datasets, *wanted.add_datasets))])
    if tuple(uses) != model.datasets:
        store.set_datasets(write, name, version, tuple(uses))
    if wanted.description is not None:
        store.change(write, name, version, now, description=wanted.description)
    return view(write, get(write, name, version))


def was_deleted(read: Read, name: str, version: int) -> bool:
    return store.was_deleted(read, name=name, version=version)


def view(read: Read, model: ModelVersion, made_by: dict[str, RunView] | None = None) -> ModelView:
    """`made_by`: runs that were looked at before, by id; kept up to date."""
    lineage = (
        None if model.run_id is None else _lineage(read, model.run_id, {} if made_by is None else made_by)
    )
    return ModelView(
        id=f"{model.name}:{model.version}",
        name=model.name,
        version=model.version,
        run_id=model.run_id,
        experiment=lineage.experiment if lineage else None,
        path=model.path,
        created_at=model.created_at,
        description=model.description,
        tags=model.tags,
        properties=model.properties,
        framework=model.framework.name,
        framework_version=model.framework.version,
        datasets=tuple(DatasetUse(name, dataset) for name, dataset in model.datasets),
        lineage=lineage,
        size=sum(file.size for file in model.files),
        files=[ModelFileView(file.path, file.size, file.digest) for file in model.files],
        aliases=model.aliases,
        stage=model.stage,
        source=model.source,
    )


def _lineage(read: Read, run_id: str, made_by: dict[str, RunView]) -> LineageView:
    if run_id not in made_by:
        run = run_store.get(read, run_id)  # one that was deleted is still what the model comes from
        assert run is not None
        made_by[run_id] = runs.view(read, run)
    made = made_by[run_id]
    commit = (made.git or {}).get("commit")
    return LineageView(
        run_id=made.id,
        experiment=made.experiment,
        script=made.script,
        snapshot=made.snapshot,
        lock=made.lock,
        commit=commit if isinstance(commit, str) else None,
        inputs=made.inputs,
    )


def _missing(wanted: str) -> ModelNotFoundException:
    return ModelNotFoundException(
        f"ModelNotFound: Model with name {wanted[:300]} not found in provided workspace. `faena models` lists them."
    )


def _files(read: Read, run_id: str) -> dict[str, tuple[str, int]]:
    """(digest, size) by name: those of the run, and of each model that it logged, below that one's name."""
    found = {file.name: (file.digest, file.size) for file in run_files.files(read, run_id)}
    taken = {name.partition("/")[0] for name in found}
    for model in logged_models.of_run(read, run_id):  # the latest of a name comes first
        if model.name not in taken:
            files = logged_models.files_of(read, model.id)
            found |= {f"{model.name}/{file.path}": (file.digest, file.size) for file in files}
            taken.add(model.name)
    return found
