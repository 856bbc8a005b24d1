"""What may be a name, a value, an amount: MLflow's rules, in the words that its clients' tests look for."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence
from typing import Any, TypeVar

from faena.kernel import experiment_names
from faena.mlflow.errors import EXISTS as EXISTS
from faena.mlflow.errors import MlflowError
from faena.mlflow.words import Pair

T = TypeVar("T")

LONGEST_KEY = 250
LONGEST_PARAM = 6000
LONGEST_TAG = 8000
_LONGEST_EXPERIMENT = 500
LONGEST_DESCRIPTION = 100_000
MOST_EXPERIMENTS = 50_000
"""As many as a page of experiments has."""
MOST_METRICS, MOST_PARAMS, MOST_TAGS, MOST_TOGETHER = 1000, 100, 100, 1000
_NAME = re.compile(r"[/\w.\- :]+")
_PATH = "Names may be treated as files in certain cases, and must not resolve to other names when treated as such."


def key(name: str, value: str | None, parameter: str = "key") -> str:
    """Of a metric, parameter or tag. `name`: what it is of."""
    if not value:
        raise MlflowError(f"Missing value for required parameter '{parameter}'.")
    if name == "metric":
        parameter = f"{parameter.removesuffix('key')}name"
    if len(value) > LONGEST_KEY:
        raise MlflowError(
            f"'{parameter}' exceeds the maximum length of {LONGEST_KEY} characters. {name.capitalize()} '{parameter}' "
            f"had length {len(value)}, which exceeded length limit of {LONGEST_KEY}"
        )
    if not _NAME.fullmatch(value):
        raise MlflowError(
            f"Invalid value {json.dumps(value[:80])} for parameter '{parameter}' supplied: Names may only contain "
            "alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."
        )
    normal = posixpath.normpath(value)
    if normal != value or normal == "." or normal.startswith(("..", "/")):
        raise MlflowError(
            f"Invalid value {json.dumps(value[:80])} for parameter '{parameter}' supplied: {_PATH} {normal[:80]!r}"
        )
    return value


def experiment_name(value: str) -> str:
    if len(value) > _LONGEST_EXPERIMENT:
        raise MlflowError(f"'name' exceeds the maximum length of {_LONGEST_EXPERIMENT} characters")
    if (why := experiment_names.refusal(value)) is not None:
        raise MlflowError(f"Invalid experiment name: '{value[:80]}' {why}.")
    return experiment_names.normal(value)


def experiment_id(value: str | None) -> int:
    """Raises MlflowError as for one that there is not: what is no number names none."""
    text = value or ""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise MlflowError(f"Invalid experiment ID '{text[:80]}'. Experiment ID must be a valid integer.")
    return int(text)


def experiment_ids(given: Sequence[str | None], parameter: str = "experiment_ids") -> list[int]:
    return [experiment_id(each) for each in few(given, MOST_EXPERIMENTS, parameter)]


def few(given: Sequence[T], limit: int, parameter: str) -> Sequence[T]:
    """Raises MlflowError where there are more of them than one request may name."""
    if len(given) > limit:
        raise MlflowError(f"{parameter} has {len(given):,} values; a request has at most {limit:,}.")
    return given


def given(tags: Sequence[T]) -> Sequence[T]:
    """What a thing is made with. Raises MlflowError where that is too much for one request."""
    return few(tags, MOST_TOGETHER, "tags")


def short(value: str | None, limit: int, parameter: str) -> str:
    """Raises MlflowError where a text is longer than what is kept."""
    if len(value or "") > limit:
        raise MlflowError(f"{parameter} has {len(value or ''):,} characters; at most {limit:,} are kept.")
    return value or ""


def most(value: int | None, default: int, limit: int, parameter: str = "max_results") -> int:
    if value is None:
        return default
    if value < 1:
        raise not_positive(parameter, value)
    if value > limit:
        raise MlflowError(
            f"Invalid value {value} for parameter '{parameter}' supplied. It must be at most {limit}"
        )
    return value


def not_positive(parameter: str, value: int) -> MlflowError:
    shown = str(value)[:40]
    return MlflowError(
        f"Invalid value {shown} for parameter '{parameter}' supplied. It must be a positive integer"
    )


def batch(metrics: Sequence[Any], params: Sequence[Pair], tags: Sequence[Pair]) -> None:
    for what, given, limit in (
        ("metrics", metrics, MOST_METRICS),
        ("params", params, MOST_PARAMS),
        ("tags", tags, MOST_TAGS),
    ):
        if len(given) > limit:
            raise MlflowError(
                f"A batch logging request can contain at most {limit} {what}. Got {len(given)} {what}. "
                f"Please split up {what} across multiple requests and try again."
            )
    if (total := len(metrics) + len(params) + len(tags)) > MOST_TOGETHER:
        raise MlflowError(
            "A batch logging request can contain at most "
            f"{MOST_TOGETHER} metrics, params, and tags in total. Got {total}. Please split them up and try again."
        )
