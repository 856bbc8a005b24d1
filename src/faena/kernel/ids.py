"""Ids and names. Ids are made by the client, so that a repeated request is recognised."""

from __future__ import annotations

import os
import re
import time
import uuid

from faena.kernel import experiment_names, model_names
from faena.kernel.errors import UserErrorException, WebserviceException

_LONGEST_RUN_ID = 240
"""A folder has this name, whose file system takes 255 bytes, and files have it with an ending."""
_RUN_ID = re.compile(rf"[A-Za-z0-9][\w\-]{{0,{_LONGEST_RUN_ID - 1}}}", re.ASCII)
_WORKSPACE = re.compile(r"[a-zA-Z0-9][\w\-]{2,32}", re.ASCII)
_CLUSTER = re.compile(r"[a-zA-Z][a-zA-Z0-9\-]{0,63}", re.ASCII)
_DATASTORE = re.compile(r"\w{1,255}", re.ASCII)
_DATASET = re.compile(r"[a-zA-Z0-9_](?:[\w\-. ]{0,253}[\w\-.])?", re.ASCII)
_INPUT = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,254}", re.ASCII)
_MODEL = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-._]{0,254}", re.ASCII)


def new_run_id(experiment: str) -> str:
    """`<experiment>_<seconds since the epoch>_<8 hex>`, the form that v1 used.

    Of a name that is no plain word, what is safe as a path and in an address: `Été 2026/a` gives `Ete-2026-a_…`.
    """
    return f"{experiment_names.stem(experiment)}_{int(time.time())}_{os.urandom(4).hex()}"


def new_sweep_id() -> str:
    """`HD_<uuid>`, v1's form; trials are called `HD_<uuid>_<number>`."""
    return f"HD_{uuid.uuid4()}"


def new_id(prefix: str) -> str:
    """`<prefix>-<16 hex>`."""
    return f"{prefix}-{os.urandom(8).hex()}"


def new_request_id() -> str:
    """Names one request, so that sending it again has no second effect."""
    return os.urandom(16).hex()


def check_run_id(value: str) -> str:
    return _check(_RUN_ID, "run id", value, f"letters, digits, '_' and '-', at most {_LONGEST_RUN_ID}")


def check_experiment_name(value: str) -> str:
    """The name in the spelling in which it is kept."""
    if (why := experiment_names.refusal(value)) is None:
        return experiment_names.normal(value)
    rule = f"1 to {experiment_names.LONGEST} characters of any script, with blanks only between them"
    raise UserErrorException(f"{_shown(value)} is not a valid experiment name: it {why}. Use {rule}.")


def check_workspace_name(value: str) -> str:
    rule = "a letter or digit, then letters, digits, '_' or '-', 3 to 33 characters"
    return _check(_WORKSPACE, "workspace name", value, rule)


def check_cluster_name(value: str) -> str:
    rule = "a letter, then letters, digits or '-', at most 64 characters"
    return _check(_CLUSTER, "compute target name", value, rule)


def check_model_name(value: str) -> str:
    if (why := model_names.refusal(value)) is None:
        return value
    rule = (
        f"1 to {model_names.LONGEST} characters of any script but '/', '\\', ':' and '@', with no dot first"
    )
    raise WebserviceException(f"{_shown(value)} is not a valid model name: it {why}. Use {rule}.")


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
    raise refusal(f"{_shown(value)} is not a valid {what}. Use {rule}.")


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:60]}… ({len(str(value))} characters)"
