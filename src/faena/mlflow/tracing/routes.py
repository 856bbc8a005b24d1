"""The routes of traces, and of evaluation sets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from faena.mlflow import evaluation_sets as sets
from faena.mlflow import sets_in_runs
from faena.mlflow.in_runs import as_usual
from faena.mlflow.tracing import assessments, in_runs, linking, second, third

_THIRD = "3.0"


def add_to(add: Callable[..., None]) -> None:
    """`add`: methods, path, request, answer, and what answers the token of a run; `version`: 2.0 unless told."""
    add("POST", "traces", second.Start, second.start, in_runs.start)
    add("GET", "traces", second.Search, second.search, in_runs.search)
    add("PATCH", "traces/{request_id}", second.End, second.end, in_runs.end)
    add("GET", "traces/{request_id}/info", second.ById, second.info)
    add("GET", "traces/{request_id}", second.ById, second.info)
    add("PATCH", "traces/{request_id}/tags", second.SetTag, second.set_tag)
    add("DELETE", "traces/{request_id}/tags", second.SetTag, second.delete_tag)
    add("POST", "traces/delete-traces", second.Delete, second.delete)
    add("POST", "traces/link-to-run", linking.Link, linking.link)
    add("POST", "traces/link-prompts", linking.LinkPrompts, linking.link_prompts)
    _add_third(partial(add, version=_THIRD))
    _add_evaluation_sets(partial(add, version=_THIRD))


def _add_third(add: Callable[..., None]) -> None:
    add("POST", "traces", third.Start, third.start, in_runs.tell)
    add("POST", "traces/search", third.Search, third.search, in_runs.find)
    add("GET", "traces/get", third.ById, third.get)
    add("GET", "traces/batchGet", third.ByIds, third.get_many)
    add("POST", "traces/batchGetInfos", third.ByIds, third.infos)
    add("POST", "traces/delete-traces", second.Delete, second.delete)
    add("GET", "traces/{trace_id}", third.ByPath, third.info)
    add("PATCH", "traces/{trace_id}/tags", third.SetTag, third.set_tag)
    add("DELETE", "traces/{trace_id}/tags", third.SetTag, third.delete_tag)
    add("POST", "traces/{trace_id}/assessments", assessments.Create, assessments.create)
    one = "traces/{trace_id}/assessments/{assessment_id}"
    add("GET", one, assessments.ById, assessments.get)
    add("PATCH", one, assessments.Update, assessments.update)
    add("DELETE", one, assessments.ById, assessments.delete)


def _add_evaluation_sets(add: Callable[..., None]) -> None:
    one = "datasets/{dataset_id}"
    add("POST", "datasets/create", sets.Create, sets.create, sets_in_runs.create)
    add("GET POST", "datasets/search", sets.Search, sets.search, as_usual(sets.search))
    add("GET", one, sets.ById, sets.get, as_usual(sets.get))
    add("DELETE", one, sets.ById, sets.delete)
    add("PATCH", f"{one}/tags", sets.SetTags, sets.set_tags, sets_in_runs.set_tags)
    add("DELETE", f"{one}/tags/{{key}}", sets.DeleteTag, sets.delete_tag)
    add("POST", f"{one}/records", sets.Upsert, sets.upsert, sets_in_runs.upsert)
    add("GET", f"{one}/records", sets.Page, sets.records, as_usual(sets.records))
    add("DELETE", f"{one}/records", sets.DeleteRecords, sets.delete_records)
    add("GET", f"{one}/experiment-ids", sets.ById, sets.experiment_ids, as_usual(sets.experiment_ids))
    add("POST", f"{one}/add-experiments", sets.Experiments, sets.add_experiments)
    add("POST", f"{one}/remove-experiments", sets.Experiments, sets.remove_experiments)
