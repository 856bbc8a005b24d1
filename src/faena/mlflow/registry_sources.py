"""Where the files of a version come from, as its client says: a run's files here, another version's, or elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from faena.db import Read
from faena.kernel.errors import FaenaError
from faena.mlflow import registry_places, registry_views
from faena.mlflow.artifacts import addresses, locations
from faena.mlflow.artifacts.trees import LoggedModelFiles, RunFiles, Tree
from faena.mlflow.errors import MlflowError
from faena.models import aliasing, service
from faena.models import store as versions
from faena.models.logged import service as logged_models
from faena.models.logged import store as logged_store
from faena.models.model import STAGES, ModelFile, ModelVersion, select_files
from faena.runs import store as runs
from faena.runs.model import Run
from faena.workspaces import store as workspaces

_WHOLE_RUN = "."
"""The path of a version that has all files of its run."""
_LONGEST = 4000
_DECODED = 5
"""How often an address is decoded at most, to see what it means to others."""


class Source(Struct, frozen=True):
    source: str
    location: str
    """Where clients find the files."""
    path: str
    """In the run's files; the source itself where it is none of ours."""
    run_id: str | None = None
    """A run of this workspace."""
    told_run: str | None = None
    model_id: str | None = None
    files: tuple[ModelFile, ...] = ()


def find(read: Read, source: str, run_id: str | None, model_id: str | None) -> Source:
    """What a version has that is made of this now.

    Raises MlflowError for an address that leads out of its folder, for a path of this machine, and for files of
    another run or logged model than the one that is named.
    """
    known = runs.get(read, run_id) if run_id else None
    scheme = _checked(source, _own_places(read, known, model_id)).scheme
    told = Source(
        source,
        source,
        source,
        run_id=known.id if known else None,
        told_run=None if known else run_id or None,
        model_id=model_id or None,
    )
    place = registry_places.find(source)
    if place is None:
        return _of_version(read, told) if scheme == "models" else told
    tree, path = place
    match tree:
        case RunFiles(named):
            return _of_run(read, told, named, path, must_be=scheme != "runs")
        case LoggedModelFiles(named):
            return _of_logged_model(read, told, named, path)
    return replace(told, files=_files(read, tree, path))


def as_placeholder(source: str) -> Source:
    """Of a version that has no files by its nature: a prompt."""
    return Source(source, source, source)


def _of_run(read: Read, told: Source, run_id: str, path: str, *, must_be: bool) -> Source:
    """`must_be`: the run is named by an address of ours, so that another one cannot be meant."""
    given = told.run_id or told.told_run
    if must_be and given not in (None, run_id):
        raise _other_owner(told, "run_id")
    run = runs.get(read, run_id)
    if run is None or run.deletion is not None:
        return told if given else replace(told, told_run=run_id)
    files = _files(read, RunFiles(run.id), path)
    return replace(told, run_id=told.run_id if given else run.id, path=path or _WHOLE_RUN, files=files)


def _of_logged_model(read: Read, told: Source, model_id: str, path: str) -> Source:
    if told.model_id not in (None, model_id):
        raise _other_owner(told, "model_id")
    try:
        model = logged_models.get(read, model_id)
    except FaenaError as error:
        raise _unknown(told, error) from error
    root = addresses.of_logged_model(read, model)
    location = locations.below(root, path) if path else root
    files = _files(read, LoggedModelFiles(model.id), path)
    given = told.run_id or told.told_run
    return replace(
        told, location=location, files=files, model_id=model.id, run_id=told.run_id if given else model.run_id
    )


def _of_version(read: Read, told: Source) -> Source:
    parts = urlsplit(told.source)
    if parts.netloc:
        raise MlflowError(
            f"Invalid model version source: '{told.source}'. Registered model sources must use the active model "
            "registry."
        )
    try:
        other = _version(read, unquote(parts.path.strip("/")))
    except FaenaError as error:
        raise _unknown(told, error) from error
    given = told.run_id or told.told_run
    return Source(
        source=f"models:/{other.name}/{other.version}",
        location=registry_views.download_address(read, other),
        path=other.path,
        run_id=told.run_id if given else other.run_id,
        told_run=told.told_run if given else other.told_run,
        model_id=told.model_id or other.properties.get(registry_views.MODEL_ID),
        files=other.files,
    )


def _files(read: Read, tree: Tree, path: str) -> tuple[ModelFile, ...]:
    there = {name: (file.digest, file.size) for name, file in tree.files(read, path).items()}
    if path:
        return select_files(there, path)
    return tuple(ModelFile(name, *found) for name, found in sorted(there.items()))


def _version(read: Read, named: str) -> ModelVersion:
    """Of `NAME@ALIAS`, or of `NAME/VERSION`, `NAME/STAGE`, `NAME/latest`. Raises ModelNotFoundException."""
    if "@" in named:
        name, _, alias = named.partition("@")
        return aliasing.get(read, name, alias)
    name, _, wanted = named.partition("/")
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 10:
        return service.get(read, name, int(wanted))
    for stage in STAGES:
        if wanted.lower() == stage.lower() and (found := versions.in_stage(read, name, stage)):
            return service.get(read, name, found[0])
    if wanted.lower() == "latest":
        return service.get(read, name, None)
    raise MlflowError(f"Invalid model version source: 'models:/{named[:200]}' names no version.")


def _own_places(read: Read, run: Run | None, model_id: str | None) -> list[str]:
    """Where the files of the run or logged model that is named are, which may be a folder of this machine."""
    places = []
    if run is not None:
        places.append(addresses.of_run(workspaces.get_experiment(read, run.experiment), run))
    if model_id and (model := logged_store.get(read, model_id)) is not None:
        places.append(addresses.of_logged_model(read, model))
    return places


def _checked(source: str, own: Sequence[str]) -> SplitResult:
    if len(source) > _LONGEST:
        raise _relative(source[:80] + "…")
    try:
        parts = urlsplit(source)
    except ValueError:
        raise _relative(source) from None
    if len(parts.scheme) < 2 or parts.scheme == "file":
        if any(locations.is_within(source, place) for place in own):
            return parts
        raise MlflowError(
            f"Invalid model version source: '{source}'. To use a local path as a model version source, the run_id "
            "request parameter has to be specified and the local path has to be contained within the artifact "
            "directory of the run specified by the run_id."
        )
    plain = source
    for _ in range(_DECODED):
        path = plain.replace("\\", "/").split("/")
        if "\0" in plain or any(part in ("..", ".") for part in path):
            raise _relative(source)
        if (decoded := unquote_plus(plain)) == plain:
            return parts
        plain = decoded
    raise _relative(source)


def _other_owner(told: Source, parameter: str) -> MlflowError:
    return MlflowError(
        f"Invalid model version source: '{told.source}'. The {parameter} request parameter must identify the resource "
        "that contains the source."
    )


def _unknown(told: Source, error: FaenaError) -> MlflowError:
    return MlflowError(
        f"Unable to fetch model from model URI source artifact location '{told.source}'. Error: {error.message}"
    )


def _relative(source: str) -> MlflowError:
    return MlflowError(
        f"Invalid model version source: '{source}'. If supplying a source as an http, https, local file path, ftp, "
        "objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references "
        "present. Please provide an absolute path."
    )
