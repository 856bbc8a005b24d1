"""What environments are made of: interpreters, uv, a package index that answers, environments half made."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.version import Version
from uv import find_uv_bin

from faena.environments import interpreters, user_pythons, uv_process
from faena.environments.probe import Answer
from faena.environments.ready import READY
from faena.health.finding import Finding, ok, problem, warning
from faena.health.subject import Subject
from faena.kernel.discovery import is_held
from faena.kernel.python36 import versions

OLDEST, NEWEST = (3, 8), (3, 13)
"""Versions of Python that scripts are expected to ask for."""
PATIENCE = 8.0
"""Seconds that a package index may take to answer."""
_ASKED_FOR = "pip"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ADDRESS = re.compile(r"(https?://)(?:[^/@\s]+@)?([^/\s)]+)[^\s)]*")
_OFFLINE = "environments that are built, and packages in uv's cache, work on; a new one waits for the index"
_ON = ("1", "true", "yes", "on")


def check_interpreters(subject: Subject) -> Iterator[Finding]:
    """Which minor versions a script can have without a download."""
    seen = [each for each in interpreters.seen() if _suits(each)]
    usable = [each for each in seen if _minor(each) >= OLDEST]
    whole = {_minor(each) for each in usable if not each.missing}
    partial = sorted({_minor(each) for each in usable} - whole)
    if not usable:
        yield problem("interpreters", "no CPython from 3.8 on", "uv python install 3.11")
        return
    old = [*_old(seen), *(f"{major}.{minor}" for major, minor in sorted(whole | set(partial)))]
    found = ", ".join(old)
    lacking = [f"3.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1) if (3, minor) not in whole]
    if partial:
        named = next(each for each in usable if _minor(each) == partial[0])
        said = f"{found}; {named.base} lacks {', '.join(named.missing)}"
        yield warning("interpreters", said, f"uv python install {partial[0][0]}.{partial[0][1]}")
    else:
        more = f"; uv fetches {', '.join(lacking)} when asked" if lacking else ""
        yield ok("interpreters", found + more)


def check_named_pythons(subject: Subject) -> Iterator[Finding]:
    """Entries of FAENA_PYTHONS here; a server that runs has told those of its own in its log."""
    if found := user_pythons.without_python():
        yield warning(user_pythons.VARIABLE, f"no Python in {', '.join(found)}", user_pythons.REMEDY)


def check_uv(subject: Subject) -> Iterator[Finding]:
    again = "pip install --force-reinstall uv, in Faena's own environment"
    try:
        command = [find_uv_bin(), "--version"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        yield problem("uv", f"does not run: {str(error)[:200]}", again)
        return
    yield ok("uv", done.stdout.strip().removeprefix("uv "))


def check_index(subject: Subject) -> Iterator[Finding]:
    """Ask for one package name with the settings that builds have: index, proxy, certificates, passwords."""
    variables = uv_process.environment()
    if variables.get("UV_OFFLINE", "").lower() in _ON:
        yield warning("package index", f"offline, as UV_OFFLINE says: {_OFFLINE}", "unset UV_OFFLINE")
        return
    if uv_process.index_options():
        links = "from UV_FIND_LINKS alone" if variables.get("UV_FIND_LINKS") else "from nowhere"
        yield warning(
            "package index", f"not asked, as PIP_NO_INDEX says: packages come {links}", "unset PIP_NO_INDEX"
        )
        return
    said = _ask(variables)
    if said is None:
        yield ok("package index", "answers")
    else:
        yield warning(
            "package index",
            f"offline ({said}): {_OFFLINE}",
            "curl -I the index; look at UV_INDEX_URL, pip config list, HTTPS_PROXY",
        )


def check_environments(subject: Subject) -> Iterator[Finding]:
    """Environments whose build was interrupted: nobody is at them, and they are not ready."""
    base = subject.home / "envs"
    try:
        folders = [Path(entry.path) for entry in os.scandir(base) if _DIGEST.fullmatch(entry.name)]
    except OSError:
        folders = []
    unfinished = [path for path in folders if not (path / READY).exists()]
    left = [path for path in unfinished if not is_held(base / f"{path.name}.lock")]
    if left:
        said = f"{len(left)} of {len(folders)} half made, such as {left[0].name[:12]}"
        yield warning("environments", said, "faena env prune; or submit again, and the build goes on")
    else:
        yield ok("environments", f"{len(folders)}, none is half made" if folders else "none yet")


def _ask(variables: dict[str, str]) -> str | None:
    """Why the index does not answer; None when it does."""
    # A compilation that leaves dependencies out asks the index for one page, and nothing is downloaded or kept.
    command = [find_uv_bin(), "pip", "compile", "--quiet", "--no-deps", "--no-cache", "-"]
    limits = {"UV_HTTP_TIMEOUT": "4", "UV_HTTP_RETRIES": "0"}
    with tempfile.TemporaryDirectory(prefix="faena-doctor-") as folder:
        (Path(folder) / "uv.toml").touch()  # keeps a project around it from having its say
        try:
            done = subprocess.run(
                command,
                input=_ASKED_FOR,
                capture_output=True,
                text=True,
                errors="replace",
                cwd=folder,
                env=variables | limits,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired:
            return f"no answer in {PATIENCE:g} s"
        except OSError as error:
            return f"uv does not run: {error.strerror}"
    if done.returncode == 0 or "not found in the package registry" in done.stderr:
        return None
    return _cause(done.stderr)


def _cause(text: str) -> str:
    """The first and the last line of what uv said; of addresses the host alone, which holds no password."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("hint")] or [
        "uv said nothing"
    ]
    first, last = lines[0].removeprefix("error: "), lines[-1].removeprefix("cause: ")
    said = first if first == last else f"{first}: {last}"
    return _ADDRESS.sub(r"\1\2", said)[:300]


def _old(answers: Iterable[Answer]) -> list[str]:
    """Those for packages of a date, each with what its best installation lacks: nobody needs one else."""
    best: dict[tuple[int, int], Answer] = {}
    for answer in answers:
        minor = _minor(answer)
        if versions.OLDEST <= minor < OLDEST and (
            minor not in best or len(answer.missing) < len(best[minor].missing)
        ):
            best[minor] = answer
    return [
        f"{minor[0]}.{minor[1]}" + (f" (without {', '.join(answer.missing)})" if answer.missing else "")
        for minor, answer in sorted(best.items())
    ]


def _suits(answer: Answer) -> bool:
    return answer.final and answer.gil and answer.implementation == "CPython"


def _minor(answer: Answer) -> tuple[int, int]:
    version = Version(answer.version)
    return version.major, version.minor
