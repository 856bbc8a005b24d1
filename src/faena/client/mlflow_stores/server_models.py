"""Models that a server tells of: those that runs logged, and those that are registered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from faena.client.mlflow_stores.folder_models import DELETED, state
from faena.client.mlflow_stores.pages import pages, pairs
from faena.client.mlflow_stores.reading import number, word
from faena.client.mlflow_stores.requests import Refused, Requests
from faena.mlflow.moving.schemas import LoggedModelGiven, ModelGiven, ModelMetricGiven, VersionGiven

_PAGE = 100
_NOT_KNOWN = (404, 405, 501)
"""What a server answers that has no such route: one of a version before."""
_PROMPTS = "tag.`mlflow.prompt.is_prompt` = 'true'"
"""What finds prompts, which a search without it leaves out."""


def logged(requests: Requests, experiments: Sequence[str]) -> Iterator[tuple[LoggedModelGiven, str]]:
    """Each with the address of its files; a server of a version before has none."""
    for start in range(0, len(experiments), _PAGE):
        asked = {"experiment_ids": list(experiments[start : start + _PAGE]), "max_results": _PAGE}
        try:
            for told in pages(requests, "logged-models/search", asked, "models"):
                yield _logged(told), word((told.get("info") or {}).get("artifact_uri"))
        except Refused as error:
            if error.answered not in _NOT_KNOWN:
                raise
            return


def _logged(told: dict[str, Any]) -> LoggedModelGiven:
    info, data = told.get("info") or {}, told.get("data") or {}
    created = number(info.get("creation_timestamp_ms")) or 0
    return LoggedModelGiven(
        id=word(info.get("model_id")),
        experiment=word(info.get("experiment_id")),
        name=word(info.get("name")),
        status=state(info.get("status")),
        created_ms=created,
        changed_ms=number(info.get("last_updated_timestamp_ms")) or created,
        run_id=word(info.get("source_run_id")) or None,
        kind=word(info.get("model_type")),
        message=word(info.get("status_message")),
        params=pairs(data.get("params")),
        tags=pairs(info.get("tags")),
        metrics=[
            ModelMetricGiven(
                run_id=word(each.get("run_id")),
                name=word(each.get("key")),
                value=_value(each.get("value")),
                time_ms=number(each.get("timestamp")) or 0,
                step=number(each.get("step")) or 0,
                dataset=word(each.get("dataset_name")),
                dataset_digest=word(each.get("dataset_digest")),
            )
            for each in data.get("metrics") or ()
        ],
    )


def _value(told: Any) -> float:
    try:
        return float(told)
    except (TypeError, ValueError):
        return float("nan")


def registered(requests: Requests) -> Iterator[ModelGiven]:
    """Models and prompts."""
    seen: set[str] = set()
    for found in ("", _PROMPTS):
        asked: dict[str, Any] = {"max_results": _PAGE, **({"filter": found} if found else {})}
        try:
            for told in pages(requests, "registered-models/search", asked, "registered_models", get=True):
                name = word(told.get("name"))
                if name not in seen:
                    seen.add(name)
                    yield _registered(requests, told, name, found)
        except Refused as error:
            if error.answered not in (*_NOT_KNOWN, 400):
                raise


def _registered(requests: Requests, told: dict[str, Any], name: str, found: str) -> ModelGiven:
    quoted = name.replace("'", "\\'")
    asked = {"filter": f"name='{quoted}'{f' AND {found}' if found else ''}", "max_results": 1000}
    versions = list(pages(requests, "model-versions/search", asked, "model_versions", get=True))
    created = number(told.get("creation_timestamp")) or 0
    aliases = {
        word(each.get("alias")): number(each.get("version")) or 0 for each in told.get("aliases") or ()
    }
    return ModelGiven(
        name=name,
        created_ms=created,
        changed_ms=number(told.get("last_updated_timestamp")) or created,
        description=word(told.get("description")),
        tags=pairs(told.get("tags")),
        aliases=aliases,
        versions=sorted(map(_version, versions), key=lambda each: each.version),
    )


def _version(told: dict[str, Any]) -> VersionGiven:
    created = number(told.get("creation_timestamp")) or 0
    stage = word(told.get("current_stage"))
    return VersionGiven(
        version=number(told.get("version")) or 0,
        created_ms=created,
        changed_ms=number(told.get("last_updated_timestamp")) or created,
        description=word(told.get("description")),
        stage=stage,
        source=word(told.get("source")),
        run_id=word(told.get("run_id")) or None,
        run_link=word(told.get("run_link")),
        model_id=word(told.get("model_id")) or None,
        status=word(told.get("status")) or "READY",
        tags=pairs(told.get("tags")),
        deleted=stage == DELETED,
    )
