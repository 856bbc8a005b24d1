"""Ids and names. Ids are made by the client, so that a repeated request is recognised."""

from __future__ import annotations

import re
import secrets
import time

from faena.kernel.errors import UserErrorException, WebserviceException

_RUN_ID = re.compile(r"[A-Za-z0-9][\w\-]{0,299}", re.ASCII)
_EXPERIMENT = re.compile(r"[a-zA-Z0-9][\w\-]{0,254}", re.ASCII)
_WORKSPACE = re.compile(r"[a-zA-Z0-9][\w\-]{2,32}", re.ASCII)
_CLUSTER = re.compile(r"[a-zA-Z][a-zA-Z0-9\-]{0,63}", re.ASCII)
_DATASTORE = re.compile(r"\w{1,255}", re.ASCII)
_DATASET = re.compile(r"[a-zA-Z0-9_](?:[\w\-. ]{0,253}[\w\-.])?", re.ASCII)
_INPUT = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,254}", re.ASCII)
_MODEL = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,254}", re.ASCII)


def new_run_id(experiment: str) -> str:
    """`<experiment>_<seconds since the epoch>_<8 hex>`, the form that v1 used."""
    return f"{experiment}_{int(time.time())}_{secrets.token_hex(4)}"


def new_id(prefix: str) -> str:
    """`<prefix>-<16 hex>`."""
    return f"{prefix}-{secrets.token_hex(8)}"


def new_request_id() -> str:
    """Names one request, so that sending it again has no second effect."""
    return secrets.token_hex(16)


def check_run_id(value: str) -> str:
    return _check(_RUN_ID, "run id", value, "letters, digits, '_' and '-', at most 300")


def check_experiment_name(value: str) -> str:
    rule = "a letter or digit, then letters, digits, '_' or '-', at most 255 characters"
    return _check(_EXPERIMENT, "experiment name", value, rule)


def check_workspace_name(value: str) -> str:
    rule = "a letter or digit, then letters, digits, '_' or '-', 3 to 33 characters"
    return _check(_WORKSPACE, "workspace name", value, rule)


def check_cluster_name(value: str) -> str:
    rule = "a letter, then letters, digits or '-', at most 64 characters"
    return _check(_CLUSTER, "compute target name", value, rule)


def check_model_name(value: str) -> str:
    rule = "a letter or digit, then letters, digits, '-', '.' or '_', at most 255 characters"
    return _check(_MODEL, "model name", value, rule, WebserviceException)


def check_datastore_name(value: str) -> str:
    return _check(_DATASTORE, "datastore name", value, "letters, digits and '_', at most 255")


def check_reference_name(value: str) -> str:
    rule = "letters, digits and '_', at most 255: an environment variable gets this name"
    return _check(_DATASTORE, "data reference name", value, rule)


def check_dataset_name(value: str) -> str:
    rule = "letters, digits, '_', '-', '.' and blanks between them, at most 255 characters"
    return _check(_DATASET, "dataset name", value, rule)


def check_input_name(value: str) -> str:
    rule = "letters, digits and '_', no digit first: an environment variable gets this name"
    return _check(_INPUT, "input name", value, rule)


def check_environment_name(value: str) -> str:
    rule = "a letter or digit, then letters, digits, '-', '.' or '_', at most 255 characters"
    return _check(_MODEL, "environment name", value, rule)


def _check(
    pattern: re.Pattern[str],
    what: str,
    value: object,
    rule: str,
    refusal: type[UserErrorException] = UserErrorException,
) -> str:
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    shown = repr(value)
    if len(shown) > 80:
        shown = f"{shown[:60]}… ({len(str(value))} characters)"
    raise refusal(f"{shown} is not a valid {what}. Use {rule}.")
