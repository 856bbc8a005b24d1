"""Requests that an endpoint has kept, as a table."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from faena.endpoints.schemas import KeptRequest
from faena.kernel.errors import UserErrorException


def frame(found: Sequence[KeptRequest]) -> Any:
    """A pandas data frame with a row a request. Raises UserErrorException where pandas is not installed."""
    try:
        import pandas
    except ImportError:
        raise UserErrorException(
            "A data frame needs pandas, which is not installed. `pip install 'faena[frames]'`; "
            "`faena endpoint requests NAME --json` needs none."
        ) from None
    times = pandas.to_datetime([each.time for each in found], unit="s", utc=True)
    columns = {
        "id": [each.id for each in found],
        "time": times,
        "seconds": [each.seconds for each in found],
        "route": [each.route for each in found],
        "revision": pandas.array([each.revision for each in found], dtype="Int64"),
        "status": [each.status for each in found],
        "query": [each.query for each in found],
        "request": _bodies([(each.body, each.body_base64, each.body_bytes) for each in found]),
        "answer": _bodies([(each.answer, each.answer_base64, each.answer_bytes) for each in found]),
    }
    return pandas.DataFrame(columns)


def _bodies(found: Sequence[tuple[str | None, str | None, int | None]]) -> Any:
    import pandas

    return pandas.Series([_body(*each) for each in found], dtype=object)


def _body(text: str | None, encoded: str | None, whole: int | None) -> Any:
    if text is None:
        return base64.b64decode(encoded or "")
    if whole is not None:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
