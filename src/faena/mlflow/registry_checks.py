"""What the registry takes: MLflow's rules, in the words that its clients' tests look for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from faena.kernel import ids
from faena.kernel.errors import Conflict, WebserviceException
from faena.mlflow import checks
from faena.mlflow.errors import MlflowError, invalid_value, missing_value
from faena.mlflow.registry_views import NO_STAGE
from faena.mlflow.words import Pair
from faena.models.model import LONGEST_ALIAS, STAGES

LONGEST_VALUE = 100_000
"""Characters of a tag's value."""
_ALIAS = re.compile(r"[\w\-]+")
_VERSION = re.compile(r"[vV]\d+")


def name(given: str | None, parameter: str = "name") -> str:
    """Of a model that is asked for: what no model can be called names none, but says why."""
    value = given or ""
    if not value.strip():
        raise missing_value(parameter)
    if "/" in value or ":" in value:
        raise MlflowError(f"Invalid model name '{value[:300]}'. Names cannot contain '/' or ':'.")
    if value in (".", ".."):
        raise invalid_value(
            parameter, value, "Names may be treated as files and must not mean another folder."
        )
    return value


def new_name(given: str | None, parameter: str = "name") -> str:
    """Of a model that is to be made."""
    value = name(given, parameter)
    try:
        return ids.check_model_name(value)
    except WebserviceException as error:
        raise MlflowError(f"Invalid model name '{value[:300]}'. {error.message}") from error


def description(given: str | None) -> str:
    return checks.short(given, checks.LONGEST_DESCRIPTION, "description")


def version(given: str | int | None) -> int:
    text = str(given)
    if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 10:
        return int(text)  # one below 0 is never found
    raise MlflowError(f"Parameter 'version' must be an integer, got '{text[:200]}'.")


def alias(given: str | None) -> str:
    value = given or ""
    if not _ALIAS.fullmatch(value):
        raise MlflowError(
            f"Invalid alias name: '{value[:300]}'. Names may only contain alphanumerics, underscores (_), "
            "and dashes (-)."
        )
    if len(value) > LONGEST_ALIAS:
        raise MlflowError(
            f"Registered model alias name '{value[:250]}' had length {len(value)}, which exceeded length limit of "
            f"{LONGEST_ALIAS}"
        )
    return value


def new_alias(given: str | None) -> str:
    value = alias(given)
    if value.lower() == "latest":
        raise MlflowError("'latest' alias name (case insensitive) is reserved.")
    if _VERSION.fullmatch(value):
        raise MlflowError(f"Version alias name '{value}' is reserved.")
    return value


@contextmanager
def kept_ones() -> Iterator[None]:
    """What is needed and so stays, such as by an endpoint, in MLflow's words: nothing that has a name twice."""
    try:
        yield
    except Conflict as error:
        raise MlflowError(error.message, "RESOURCE_CONFLICT") from error


def stage(given: str | None) -> str:
    """As it is written, in MLflow's words."""
    known = {each.lower(): each for each in (NO_STAGE, *STAGES)}
    if (found := known.get((given or "").lower())) is None:
        raise MlflowError(
            f"Invalid Model Version stage: {(given or '')[:200]}. Value must be one of "
            f"{', '.join((NO_STAGE, *STAGES))}."
        )
    return found


def tags(given: Sequence[Pair]) -> dict[str, str]:
    """The last one of a key wins. Raises MlflowError for what is too long, which is not cut here as a run's is."""
    found: dict[str, str] = {}
    for pair in checks.given(given):
        key, value = checks.key("tag", pair.key), pair.value or ""
        if len(value) > LONGEST_VALUE:
            raise MlflowError(
                f"value '{value[:250]}' had length {len(value)}, which exceeded length limit of {LONGEST_VALUE}"
            )
        found[key] = value
    return found
