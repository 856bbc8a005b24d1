"""Answers of a server that come in pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from faena.client.mlflow_stores.reading import word
from faena.client.mlflow_stores.requests import Refused, Requests

API = "/api/2.0/mlflow/"


def pages(
    requests: Requests, path: str, asked: dict[str, Any], name: str, *, get: bool = False
) -> Iterator[Any]:
    """What stands under `name` in one page after the other."""
    token = ""
    while True:
        page = {**asked, **({"page_token": token} if token else {})}
        data = requests.get(API + path, page) if get else requests.post(API + path, page)
        try:
            answer = msgspec.json.decode(data)
        except msgspec.DecodeError:
            answer = _lenient(requests, path, data)
        if not isinstance(answer, dict):
            raise Refused(f"{requests.address}{API}{path} answers what is no page of {name}", 200)
        yield from answer.get(name) or ()
        if not (token := word(answer.get("next_page_token"))):
            return


def _lenient(requests: Requests, path: str, data: bytes) -> Any:
    """With NaN as MLflow's server writes it, which JSON has not."""
    try:
        return json.loads(data)
    except ValueError as error:
        raise Refused(f"{requests.address}{API}{path} answers no JSON: {data[:80]!a}", 200) from error


def pairs(told: Any) -> dict[str, str]:
    return {word(each.get("key")): word(each.get("value")) for each in told or () if isinstance(each, dict)}
