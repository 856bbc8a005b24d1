"""The routes of the model registry."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from faena.mlflow import in_runs, registry_in_runs, registry_models, registry_versions
from faena.mlflow.in_runs import Answer


def add_to(add: Callable[..., None]) -> None:
    """`add`: methods, path, request, answer, and what answers the token of a run."""
    models, versions, own = registry_models, registry_versions, registry_in_runs

    def read(methods: str, path: str, request: type[Struct], answer: Answer) -> None:
        """What every run may ask."""
        add(methods, path, request, answer, in_runs.as_usual(answer))

    read("POST", "registered-models/create", models.Create, models.create)
    read("GET", "registered-models/get", models.ByName, models.get)
    add("POST", "registered-models/rename", models.Rename, models.rename)
    add("PATCH", "registered-models/update", models.Update, models.update)
    add("DELETE", "registered-models/delete", models.ByName, models.delete)
    read("GET", "registered-models/search", models.Search, models.search)
    read("GET POST", "registered-models/get-latest-versions", models.Latest, models.latest_versions)
    add("POST", "registered-models/set-tag", models.SetTag, models.set_tag)
    add("DELETE", "registered-models/delete-tag", models.SetTag, models.delete_tag)
    add("POST", "registered-models/alias", models.SetAlias, versions.set_alias)
    add("DELETE", "registered-models/alias", models.Alias, models.delete_alias)
    read("GET", "registered-models/alias", models.Alias, models.get_by_alias)
    add("POST", "model-versions/create", versions.Create, versions.create, own.create_version)
    read("GET", "model-versions/get", versions.ByVersion, versions.get)
    add("PATCH", "model-versions/update", versions.Update, versions.update, own.update_version)
    add("DELETE", "model-versions/delete", versions.ByVersion, versions.delete)
    read("GET", "model-versions/search", models.Search, versions.search)
    add("POST", "model-versions/transition-stage", versions.Transition, versions.transition)
    add("GET", "model-versions/get-download-uri", versions.ByVersion, versions.download_uri, own.download_uri)
    add("POST", "model-versions/set-tag", versions.SetTag, versions.set_tag, own.set_tag)
    add("DELETE", "model-versions/delete-tag", versions.SetTag, versions.delete_tag)
