"""The pip, setuptools and wheel that environments of a date had without being asked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from faena.environments import cutoffs, kept_answers, lock_text, pip_options, uv_process
from faena.environments.folders import Log
from faena.environments.model import EnvironmentSpec, Interpreter
from faena.environments.requirements import name_of, says_version


def of_a_date(
    date: str, spec: EnvironmentSpec, interpreter: Interpreter, log: Log, *, folder: Path, held: int
) -> tuple[str, ...]:
    """Their exact versions for the interpreter, kept once they are known. Raises `uv_process.UvFailed`."""
    indexes = [index.kept().url for index in spec.index_urls]
    question = ["seeds", date, *interpreter.kind, indexes, pip_options.canonical(spec.pip), spec.undated]
    if (known := kept_answers.recall(question, tuple[str, ...])) is not None:
        return known
    listed, output = folder / "seeds.in", folder / "seeds.txt"
    listed.write_text("".join(f"{name}\n" for name in cutoffs.SEEDS))
    output.unlink(missing_ok=True)
    variables = cutoffs.variables(uv_process.environment(spec.index_urls, spec.credentials(), spec.pip))
    arguments: list[str | Path] = ["pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    arguments += uv_process.index_options(spec.pip, resolving=True)
    arguments += cutoffs.only_by_date(date)
    arguments += ["--python", interpreter.path, "--output-file", output, listed]
    uv_process.run(arguments, log, cwd=folder, variables=variables, inherit=[held])
    found = tuple(lock_text.blocks(output.read_text()))
    kept_answers.keep(question, found)
    return found


def wanted(seeds: Iterable[str], requirements: Iterable[str]) -> list[str]:
    """Those whose version nobody says himself: of that version, or of an earlier one where a package wants it.

    TensorFlow 1.10 takes setuptools up to 39.1.0 alone.
    """
    said = {name_of(each) for each in requirements if says_version(each)}
    return [each.replace("==", "<=", 1) for each in seeds if name_of(each) not in said]
