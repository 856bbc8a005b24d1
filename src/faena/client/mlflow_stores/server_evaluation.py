"""Evaluation sets that a server tells of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from faena.client.mlflow_stores.evaluation_parts import TOGETHER, decoded, head, parts, record
from faena.client.mlflow_stores.reading import word
from faena.client.mlflow_stores.requests import Refused, Requests
from faena.kernel.errors import UserErrorException
from faena.mlflow.moving.schemas import EvaluationSetGiven, RecordGiven

_SETS = "/api/3.0/mlflow/datasets"
_PAGE = 200


def read(requests: Requests) -> Iterator[EvaluationSetGiven]:
    """In parts. A server that knows none has none."""
    try:
        found = list(_pages(requests))
    except Refused:
        return
    for told in found:
        place = f"{_SETS}/{quote(word(told.get('dataset_id')), safe='')}"
        of = msgspec.json.decode(requests.get(f"{place}/experiment-ids"))
        experiments = [word(each) for each in of.get("experiment_ids") or ()]
        yield from parts(head(told, decoded(told.get("tags")), experiments), _records(requests, place))


def _pages(requests: Requests) -> Iterator[dict[str, Any]]:
    token = ""
    while True:
        asked = {"max_results": _PAGE, **({"page_token": token} if token else {})}
        answer = msgspec.json.decode(requests.post(f"{_SETS}/search", asked))
        yield from answer.get("datasets") or ()
        if not (token := word(answer.get("next_page_token"))):
            return


def _records(requests: Requests, place: str) -> Iterator[RecordGiven]:
    token = ""
    while True:
        asked = {"max_results": TOGETHER, **({"page_token": token} if token else {})}
        answer = msgspec.json.decode(requests.get(f"{place}/records", asked))
        told = decoded(answer.get("records") or "[]")
        if not isinstance(told, list):
            raise UserErrorException(f"{requests.address}{place} answers no list of records.")
        for each in told:
            yield record(each)
        if not (token := word(answer.get("next_page_token"))):
            return
