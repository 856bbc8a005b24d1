"""Which package indexes uv asks for a spec: its variables say it, and of its own files it is asked."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from faena.environments import cutoffs, index_pages, kept_answers, uv_process
from faena.environments.folders import Log
from faena.environments.model import EnvironmentSpec
from faena.environments.package_index import Index
from faena.kernel import uv_files

_SAID_BY = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_TORCH_BACKEND")


def of(
    spec: EnvironmentSpec, log: Log, folder: Path, held: int, *, python: str = sys.executable
) -> list[Index]:
    """Empty where it cannot say: what is wrong, a resolution says. `folder` is there, for files of uv's.

    `python`: one that uv is to ask anyway, since it asks the first that it finds otherwise.
    """
    if spec.pip.no_index:
        return []
    variables = cutoffs.variables(uv_process.environment(spec.index_urls, spec.credentials(), spec.pip))
    urls = _of_variables(variables)
    if urls is None:
        urls = _of_files(variables, log, folder, held, python)
    return index_pages.with_credentials(urls, variables, variables)


def _of_variables(variables: Mapping[str, str]) -> list[str] | None:
    """In uv's order; None where something else has its say: also where they name no default, which uv knows."""
    default = variables.get("UV_DEFAULT_INDEX") or variables.get("UV_INDEX_URL")
    if (
        not default
        or variables.get("UV_TORCH_BACKEND")
        or any(place.exists() for place in uv_files.places(variables))
    ):
        return None
    extra = f"{variables.get('UV_INDEX', '')} {variables.get('UV_EXTRA_INDEX_URL', '')}".split()
    urls = [index_pages.url_of(each) for each in (default, *extra)]
    return list(dict.fromkeys(urls))


def _of_files(variables: Mapping[str, str], log: Log, folder: Path, held: int, python: str) -> list[str]:
    """As uv prints them, kept for as long as nothing changes that says them."""
    question = [
        "indexes",
        *(variables.get(name, "") for name in _SAID_BY),
        *map(_stamp, uv_files.places(variables)),
    ]
    if (known := kept_answers.recall(question, list[str])) is not None:
        return known
    empty, output = folder / "empty.in", folder / "empty.txt"
    empty.write_text("")
    arguments: list[str | Path] = ["pip", "compile", "--quiet", "--emit-index-url", "--python", python]
    arguments += ["--output-file", output, empty]
    try:
        uv_process.run(arguments, log, cwd=folder, variables=variables, inherit=[held])
    except uv_process.UvFailed:
        return []
    urls = index_pages.printed_by_uv(output.read_text())
    if not any("@" in url for url in (*urls, *map(str, question))):  # passwords are kept nowhere
        kept_answers.keep(question, urls)
    return urls


def _stamp(place: Path) -> str:
    try:
        found = place.stat()
    except OSError:
        return ""
    return f"{place}:{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}"
