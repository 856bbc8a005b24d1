"""The environment variables of a run: what its submitter's process passes on, and what may be shown of them. No I/O."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping

import msgspec

from faena.kernel.errors import UserErrorException
from faena.runs.submission_schemas import Submission

PASSED_ON = frozenset(
    {
        # language and time
        *("LANG", "LANGUAGE", "TZ", "TZDIR"),
        # the way to the network, and whom to trust there
        *("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"),
        *("GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS"),
        # who runs it, and where that person's files are
        *("HOME", "USER", "LOGNAME", "SHELL", "TMPDIR"),
        *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"),
        # where programs and their libraries are
        *("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "JAVA_HOME"),
        # devices that have no common prefix
        *("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCM_PATH", "ROCM_HOME"),
        # settings of ours for scripts
        "FAENA_DEAD_DATA",
        "FAENA_EVENT_FILES",
        "FAENA_MLFLOW",
        "FAENA_REMOVED_NAMES",
    }
)
"""docs/environment-variables.md says why each is there."""
PASSED_ON_PREFIXES = ("LC_", "CUDA_", "CUDNN_", "NCCL_", "NVIDIA_")

_OF_A_PROCESS = frozenset(
    {
        *("_", "PWD", "OLDPWD", "SHLVL", "TERM", "TERM_PROGRAM", "COLUMNS", "LINES", "WINDOWID"),
        *(
            "PYTHONHOME",
            "PYTHONSTARTUP",
            "PYTHONDONTWRITEBYTECODE",
            "PYTHONEXECUTABLE",
            "__PYVENV_LAUNCHER__",
        ),
        *("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "CONDA_PROMPT_MODIFIER"),
        *("JPY_PARENT_PID", "JPY_SESSION_NAME", "JPY_INTERRUPT_EVENT"),
    }
)
"""They tell of the submitter's own process, and would be untrue in a run: not passed on even with all the rest."""

_OF_MLFLOW = frozenset(
    {
        "MLFLOW_TRACKING_URI",
        "MLFLOW_TRACKING_TOKEN",
        "MLFLOW_TRACKING_SERVER_CERT_PATH",
        "MLFLOW_RUN_ID",
        "MLFLOW_EXPERIMENT_ID",
    }
)
"""Where they name this workspace, a run is given its own once it asks for them."""

SETTINGS = frozenset(
    {"FAENA_DEAD_DATA", "FAENA_EVENT_FILES", "FAENA_MLFLOW", "FAENA_REMOVED_NAMES", "FAENA_WARM_WORKERS"}
)
"""Ours that a user may set."""
_RESERVED = ("AZUREML_RUN_ID", "AZUREML_DATASET_ENVIRONMENT_VARS")
_RESERVED_PREFIXES = ("FAENA_", "AZUREML_DATAREFERENCE_")
_LONGEST = 131_000
"""Bytes of a variable with its name: what Linux lets a program have."""
_MOST = 1 << 20
"""Bytes of all variables of a run."""

_SECRET = re.compile(
    r"(^|_)(api_?key|key|token|secret|password|passwd|passphrase|pwd|credentials?|connection_string|sas)s?(_|$)",
    re.IGNORECASE,
)
HIDDEN = "***"


def passed_on(environ: Mapping[str, str], *, everything: bool = False) -> dict[str, str]:
    """What a run gets of the variables of its submitter's process; `everything`: all that is true in a run too."""
    found = {}
    left_out = _of_our_mlflow(environ)
    for name, value in environ.items():
        if name in left_out or not _is_text(name + value) or is_reserved(name):
            continue
        listed = name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
        if listed or (everything and _is_true_elsewhere(name, value)):
            found[name] = value
    if "PATH" in found:
        found["PATH"] = _without_virtual_environment(found["PATH"], environ.get("VIRTUAL_ENV", ""))
    return dict(sorted(found.items()))


def _of_our_mlflow(environ: Mapping[str, str]) -> frozenset[str]:
    """What MLflow's clients in the submitter's process were given for a workspace of ours."""
    ours = environ.get("FAENA_MLFLOW_URI")
    if not ours:
        return frozenset()
    own_address = environ.get("MLFLOW_TRACKING_URI", ours) != ours
    return _OF_MLFLOW - {"MLFLOW_TRACKING_URI"} if own_address else _OF_MLFLOW


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8
        return False
    return True


def _is_true_elsewhere(name: str, value: str) -> bool:
    """A notebook's kernel has MPLBACKEND draw into the notebook: a script that draws would end with it."""
    return name not in _OF_A_PROCESS and not (name == "MPLBACKEND" and value.startswith("module://"))


def _without_virtual_environment(path: str, active: str) -> str:
    """The programs of a virtual environment are those of its packages, and a run has an environment of its own."""
    own = [f"{active}/bin"] if active else []
    if sys.prefix != sys.base_prefix:
        own.append(f"{sys.prefix}/bin")
    return os.pathsep.join(entry for entry in path.split(os.pathsep) if entry.rstrip("/") not in own)


def texts(field: str, given: Mapping[str, object]) -> dict[str, str]:
    """Names and values as texts. Raises UserErrorException for a value that is None."""
    for name, value in given.items():
        if value is None:
            raise UserErrorException(
                f"{field}[{str(name)[:80]!r}] is None. Give a text, such as os.environ[{str(name)[:80]!r}], or leave "
                "it out."
            )
        if not _is_text(f"{name}{value}"):
            raise UserErrorException(
                f"{field}[{str(name)[:80]!r}] holds bytes that are no UTF-8. Give a text."
            )
    return {str(name): str(value) for name, value in given.items()}


def is_reserved(name: str) -> bool:
    """Whether it tells a script of its run, so that nobody else may set it."""
    return name not in SETTINGS and (name in _RESERVED or name.startswith(_RESERVED_PREFIXES))


def check(given: Mapping[str, str], passed: Mapping[str, str]) -> None:
    """Raises UserErrorException naming a variable that no program can have, or that is the run's own."""
    for name, value in [*given.items(), *passed.items()]:
        if not name or "=" in name or "\0" in name + value:
            raise UserErrorException(
                f"{name[:80]!r} cannot be an environment variable. Use names without '=' and no NUL bytes."
            )
        if is_reserved(name):
            raise UserErrorException(
                f"The environment variable {name[:80]} tells a script of its run, and Faena sets it. Use another name."
            )
        if len(name.encode()) + len(value.encode()) > _LONGEST:
            raise UserErrorException(
                f"The environment variable {name[:80]} has {len(value):,} characters; a program can have some "
                f"{_LONGEST:,} bytes of one. Put it into a file of the source folder."
            )
    if sum(len(name) + len(value) for name, value in [*given.items(), *passed.items()]) > _MOST:
        raise UserErrorException(
            "The run's environment variables have more than 1 MiB together. Put what is long into files."
        )


def shown(variables: Mapping[str, str]) -> dict[str, str]:
    """As people may see them: without what must stay secret."""
    return {
        name: HIDDEN if value and _SECRET.search(name[:200]) else without_credentials(name, value)
        for name, value in variables.items()
    }


def exported(submission: Submission) -> Submission:
    """As it may leave the workspace: without the passwords of addresses, such as a proxy's."""
    return msgspec.structs.replace(
        submission,
        **{
            field: {
                name: without_credentials(name, value) for name, value in getattr(submission, field).items()
            }
            for field in ("environment_variables", "inherited_variables")
        },
    )


def hidden(submission: Submission) -> Submission:
    """As who is elsewhere may see it: without what must stay secret."""
    return msgspec.structs.replace(
        submission,
        environment_variables=shown(submission.environment_variables),
        inherited_variables=shown(submission.inherited_variables),
    )


def hidden_names(submission: Submission) -> list[str]:
    """Variables whose values were left out."""
    given = submission.inherited_variables | submission.environment_variables
    return sorted(name for name, value in given.items() if value == HIDDEN)


def without_credentials(name: str, value: str) -> str:
    """The value, with the user and password of an address hidden: `http://***@proxy:3128`."""
    start = value.find("://") + 3
    if start == 2:
        if not name.lower().endswith("_proxy"):
            return value
        start = 0
    end = value.rfind("@")
    return value if end < start else f"{value[:start]}{HIDDEN}{value[end:]}"
