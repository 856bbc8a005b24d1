"""Which package indexes uv asks for a spec: what it prints of its own settings, the user's and ours."""

from __future__ import annotations

import sys
from pathlib import Path

from faena.environments import cutoffs, index_pages, uv_process
from faena.environments.folders import Log
from faena.environments.model import EnvironmentSpec


def of(
    spec: EnvironmentSpec, log: Log, folder: Path, held: int, *, python: str = sys.executable
) -> list[index_pages.Index]:
    """None where it cannot say: what is wrong, a resolution says. `folder` is there, for its files.

    `python`: one that uv is to ask anyway, since it asks the first that it finds otherwise.
    """
    if spec.pip.no_index:
        return []
    empty, output = folder / "empty.in", folder / "empty.txt"
    empty.write_text("")
    variables = cutoffs.variables(uv_process.environment(spec.index_urls, spec.credentials(), spec.pip))
    arguments: list[str | Path] = [
        "pip",
        "compile",
        "--quiet",
        "--emit-index-url",
        "--python",
        python,
        "--output-file",
        output,
        empty,
    ]
    try:
        uv_process.run(arguments, log, cwd=folder, variables=variables, inherit=[held])
    except uv_process.UvFailed:
        return []  # what is wrong, the resolution says
    return index_pages.of_uv(output.read_text(), variables, variables)
