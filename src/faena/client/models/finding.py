"""Finds versions of models, by what somebody said of them."""

from __future__ import annotations

from typing import Any

from faena.client.wire import labels, shown
from faena.client.workspaces.session import Session
from faena.kernel.errors import ModelNotFoundException, UserErrorException, WebserviceException
from faena.models.schemas import ModelView
from faena.script import models as script


def one(
    workspace: Session,
    name: str | None,
    model_id: str | None,
    alias: str | None,
    version: int | str | None,
    **described: Any,
) -> ModelView:
    """The latest of those that match everything given. `described`: as `_filters` takes it.

    Raises ModelNotFoundException, UserErrorException and WebserviceException for what names none.
    """
    number = script.check_version(version)
    if isinstance(model_id, str) and "@" in model_id and name is None:
        name, model_id = model_id, None
    if model_id is not None:
        name, _, found = model_id.rpartition(":")
        if not name or not found.isdigit():
            raise UserErrorException(
                f"{model_id!r} is not a model id. Use 'name:version', such as 'mnist:3'."
            )
        number = script.check_version(found)
    meant = None if name is None else _by_alias(workspace, name, alias, number)
    if meant is not None:
        name, number = meant.name, meant.version
    asked = _filters(**described)
    if meant is not None and not asked:
        return meant
    if name and not asked:
        return workspace.api.models.get(name, number)
    if not name and not asked:
        raise WebserviceException("A model needs its name, its id 'name:version', or tags to find it by.")
    there = workspace.api.models.list(name=name or None, version=number, **asked)
    if not there:
        wanted = ", ".join(f"{key} {value}" for key, value in asked.items())
        raise ModelNotFoundException(
            f"ModelNotFound: Model with name {name or '(any)'} and {wanted} not found in provided workspace."
        )
    return max(there, key=lambda view: (view.created_at, view.version))


def several(
    workspace: Session, name: str | None, *, latest: bool, dataset_id: str | None, **described: Any
) -> list[ModelView]:
    """All that match, by name, the latest version first; of `name@alias` what it means now."""
    number = None
    try:
        meant = None if name is None else _by_alias(workspace, name, None, None)
    except ModelNotFoundException:
        return []
    if meant is not None:
        name, number = meant.name, meant.version
    views = workspace.api.models.list(
        name=name, version=number, latest=str(bool(latest)).lower(), **_filters(**described)
    )
    if dataset_id is None:
        return views
    return [view for view in views if any(use.id == dataset_id for use in view.datasets)]


def _filters(*, tags: Any, properties: Any, run_id: str | None, framework: str | None) -> dict[str, Any]:
    """`tags` and `properties`: a list of `key` and `[key, value]`."""
    given = {
        "tags": labels(tags, "tags"),
        "properties": labels(properties, "properties"),
        "run_id": run_id,
        "framework": framework,
    }
    return {key: value for key, value in given.items() if value is not None}


def _by_alias(workspace: Session, name: str, alias: str | None, version: int | None) -> ModelView | None:
    """The version that `name@alias` means; None where no alias is given."""
    plain, given = script.split_alias(name) if isinstance(name, str) else (name, None)
    if alias is not None and given is not None:
        raise UserErrorException(
            f"{name[:80]!r} has an alias, and alias={str(alias)[:80]!r} is given, too. Use one."
        )
    wanted = given if alias is None else alias
    if wanted is None:
        return None
    if not isinstance(wanted, str):
        raise UserErrorException(f"alias is {shown(wanted)}. Use a text, such as 'champion'.")
    script.refuse_both(plain, wanted, version)
    return workspace.api.models.get_by_alias(plain, wanted)
