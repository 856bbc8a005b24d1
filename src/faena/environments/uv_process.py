"""Runs uv as a child: its output line by line, its end with ours, nobody's settings but the index ones."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from uv import find_uv_bin

from faena.environments import pip_options, pip_settings
from faena.environments.folders import Log
from faena.environments.model import IndexUrl, index_name
from faena.environments.redaction import redacted
from faena.environments.schemas import PipOptions

SETTINGS = "uv.toml"
_TAIL_LINES = 25
_PR_SET_PDEATHSIG = 1

# Settings that say *where from* and *how fast* are the user's; those that would change *what* is built are not.
_DROPPED = frozenset(
    {
        "UV_PYTHON",
        "UV_SYSTEM_PYTHON",
        "UV_BREAK_SYSTEM_PACKAGES",
        "UV_COMPILE_BYTECODE",
        "UV_REQUIRE_HASHES",
        "UV_NO_DEPS",
        "UV_TARGET",
        "UV_PREFIX",
        "UV_PROJECT",
        "UV_PROJECT_ENVIRONMENT",
        "UV_WORKING_DIR",
        "UV_WORKING_DIRECTORY",
        "UV_VENV_CLEAR",
        "UV_VENV_SEED",
        "UV_VENV_RELOCATABLE",
        "UV_BUILD_CONSTRAINT",
        "UV_NO_VERIFY_HASHES",
        "UV_CUSTOM_COMPILE_COMMAND",
        "UV_MANAGED_PYTHON",
        "UV_NO_MANAGED_PYTHON",
        "UV_PYTHON_PREFERENCE",
        "UV_QUIET",
        "UV_VERBOSE",
        "UV_NO_CONFIG",
        "UV_PRERELEASE",
        "UV_RESOLUTION",
        "UV_FORK_STRATEGY",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONSTARTUP",
        "PYTHONDONTWRITEBYTECODE",
        "FORCE_COLOR",
    }
)
_FROM_PIP = {
    "PIP_FIND_LINKS": ("UV_FIND_LINKS",),
    "PIP_CERT": ("SSL_CERT_FILE",),
    "PIP_TRUSTED_HOST": ("UV_INSECURE_HOST",),
    "PIP_INDEX_URL": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "PIP_EXTRA_INDEX_URL": ("UV_EXTRA_INDEX_URL", "UV_INDEX"),
    "PIP_PROXY": ("ALL_PROXY", "HTTPS_PROXY", "https_proxy", "all_proxy"),
}
"""pip's variable -> uv's: the first is set where none of them is."""


class UvFailed(Exception):
    """uv ended with an error. `tail` is the end of what it said, without credentials."""

    def __init__(self, status: int, tail: str) -> None:
        reason = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        super().__init__(tail or f"uv: {reason}")
        self.status = status
        self.tail = tail or f"uv: {reason}"


def environment(
    indexes: Sequence[IndexUrl] = (),
    credentials: Mapping[str, str] | None = None,
    given: PipOptions = pip_options.NONE,
) -> dict[str, str]:
    """The variables that uv runs with: ours, translated from pip's settings where uv's are absent."""
    variables = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    settings = pip_settings.variables(os.environ)
    for pip, names in _FROM_PIP.items():
        value = settings.get(pip, "").strip()
        if value and not any(variables.get(name) for name in names):
            # uv takes a list of find-links with commas, pip with spaces.
            variables[names[0]] = ",".join(value.split()) if pip == "PIP_FIND_LINKS" else value
            if pip == "PIP_EXTRA_INDEX_URL" and not indexes:
                # pip takes the best version of all its indexes, uv by itself all versions from the first that has any
                variables.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    named = [
        (f"{index_name(i, each).lower()}={each.kept().url}", each.default) for i, each in enumerate(indexes)
    ]
    if own := [text for text, default in named if not default]:
        variables["UV_INDEX"] = " ".join([*own, variables.get("UV_INDEX", "")]).strip()
    for text, default in named:
        if default:
            variables.pop("UV_INDEX_URL", None)
            variables["UV_DEFAULT_INDEX"] = text
    # An option would take the place of what this machine says; both count, as with pip.
    for variable, separator, values in (
        ("UV_FIND_LINKS", ",", given.find_links),
        ("UV_INSECURE_HOST", " ", given.trusted_hosts),
    ):
        if values:
            variables[variable] = separator.join([*values, variables.get(variable, "")]).rstrip(separator)
    variables |= credentials or {}
    # Installed Pythons go into uv's own folder, not onto the user's PATH.
    return variables | {"NO_COLOR": "1", "UV_NO_PROGRESS": "1", "UV_PYTHON_INSTALL_BIN": "0"}


def index_options(given: PipOptions = pip_options.NONE, *, resolving: bool = False) -> list[str]:
    """What uv takes as options only: pip's `no-index` of this machine, and what the asker's files say."""
    said = pip_settings.variables(os.environ).get("PIP_NO_INDEX", "")
    ours = ["--no-index"] if said.lower() in ("1", "true", "yes", "on") and not given.no_index else []
    return ours + pip_options.arguments(given, resolving=resolving)


def without_credentials(line: str) -> str:
    return redacted(line)


def run(
    arguments: Sequence[str | Path],
    log: Log,
    *,
    cwd: Path,
    variables: Mapping[str, str],
    inherit: Sequence[int] = (),
) -> None:
    """Runs uv to its end. Raises `UvFailed`.

    `cwd` is a folder of ours: its uv.toml, an empty one if need be, keeps a project around it from having its say.
    `inherit` are descriptors that uv keeps open. When this process dies, so does uv (Linux); when this call is
    left by an exception, uv and what it started are killed before it returns.
    """
    (cwd / SETTINGS).touch()
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    error = ""  # names the package; what a compiler said of it follows, and may be long
    process = subprocess.Popen(
        [find_uv_bin(), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=dict(variables),
        pass_fds=tuple(inherit),
        process_group=0,
        preexec_fn=dies_with(os.getpid()),
        encoding="utf-8",
        errors="replace",
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            text = without_credentials(line.rstrip())
            if text:
                tail.append(text)
                log(text)
                if text.startswith("error: "):
                    error = text
        status = process.wait()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if status != 0:
        raise UvFailed(status, "\n".join(tail if error in (*tail, "") else [error, *tail]))


def dies_with(parent: int, *, nice: int = 0) -> Callable[[], None]:
    """For `preexec_fn`: the child gets SIGKILL when the thread that started it ends, however that happens (Linux)."""
    if not sys.platform.startswith("linux"):
        return lambda: _be_nice(nice)
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork: no lock is taken after it

    def arm() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        _be_nice(nice)

    return arm


def _be_nice(nice: int) -> None:
    os.nice(nice)
