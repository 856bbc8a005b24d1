"""Traces are put to runs, and versions of prompts to traces."""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from faena.db import Write
from faena.mlflow import found
from faena.mlflow.errors import MlflowError, missing_value
from faena.mlflow.fields import REQUIRED
from faena.mlflow.services import Services
from faena.mlflow.tracing import labels
from faena.mlflow.words import LINKED_PROMPTS
from faena.traces import service, store

_MOST_LINKS = 100


class Link(Struct):
    trace_ids: list[str] | None = None
    run_id: Annotated[str | None, REQUIRED] = None


class Prompt(Struct):
    name: str | None = None
    version: str | None = None


class LinkPrompts(Struct):
    trace_id: Annotated[str | None, REQUIRED] = None
    prompt_versions: list[Prompt] = []


def link(services: Services, asked: Link) -> Any:
    if (trace_ids := asked.trace_ids) is None:
        raise missing_value("trace_ids")
    if len(trace_ids) > _MOST_LINKS:
        raise MlflowError(
            f"Cannot link more than {_MOST_LINKS} traces to a run in a single request. Provided "
            f"{len(trace_ids)} traces."
        )

    def work(write: Write) -> None:
        service.link(write, trace_ids, found.run(write, asked.run_id or "").id)

    return services.database.write(work)


def link_prompts(services: Services, asked: LinkPrompts) -> Any:
    """They are kept as MLflow's clients keep them, in a tag."""
    if not asked.prompt_versions:
        raise missing_value("prompt_versions")

    def work(write: Write) -> None:
        trace = service.get(write, asked.trace_id or "")
        try:
            known = msgspec.json.decode(trace.tags.get(LINKED_PROMPTS, "[]"), type=list[dict[str, str]])
        except msgspec.DecodeError:
            known = []
        for prompt in asked.prompt_versions:
            each = {"name": prompt.name or "", "version": prompt.version or ""}
            if each not in known:
                known.append(each)
        text = labels.read({LINKED_PROMPTS: json.dumps(known)})
        store.set_labels(write, trace.id, store.TAG, text)

    return services.database.write(work)
