"""A file that describes a sweep: read, checked field by field, and told by file, line and field where it is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faena.cli.layout import harmless
from faena.cli.sweeps import yaml_lines
from faena.cli.sweeps.file_errors import Wrong, converted, no_field
from faena.cli.sweeps.file_space import EXAMPLE, space_of
from faena.cli.sweeps.file_types import SweepFile
from faena.cli.sweeps.yaml_lines import Document, YamlError
from faena.kernel.errors import UserErrorException
from faena.sweeps.schemas import Policy

SUFFIXES = (".yaml", ".yml", ".json")
_LONGEST_SHOWN = 80
_FILES = ("requirements", "conda_file", "interpreter")
_LISTS = {"pip": "packages", "conda": "conda_packages", "data": "data", "undated": "undated"}
_TUPLES = ("constraints", "metric_constraints", "resume_from", "resume_child_runs")
_TEXTS = ("python", "framework_version")
_PAIRS = {"tags": "tags", "env": "variables"}
_OTHERWISE = {*_FILES, *_LISTS, *_TEXTS, *_PAIRS, "space", "source", "policy", "arguments"}
"""Fields of which the command's parameters have another form."""
_MISSING = {
    "script": "Name the file that is to be run, such as script: train.py.",
    "space": EXAMPLE,
    "metric": "Name the metric as the script logs it, such as metric: Accuracy.",
}


@dataclass(frozen=True, slots=True)
class Described:
    """What a file gives, by the names of the command's parameters."""

    path: Path
    values: dict[str, Any]
    document: Document

    def where(self, field: str) -> str:
        """For messages: `sweep.yaml, line 7: policy`."""
        return f"{self.path}, line {self.document.line((field,))}: {field}"


def read(path: Path) -> Described:
    """Raises UserErrorException."""
    try:
        with path.open("rb") as file:
            text = file.read(yaml_lines.MOST_BYTES + 1)
    except OSError as error:
        raise UserErrorException(f"{path} cannot be read: {error.strerror}.") from None
    try:
        document = yaml_lines.read(text)
    except YamlError as error:
        where = "" if error.line is None else f", line {error.line}"
        raise UserErrorException(f"{path}{where}: {error.message}") from None
    try:
        return Described(path, _checked(document, path.parent), document)
    except Wrong as error:
        line = document.line(error.path)
        where = "" if line is None or not error.path else f", line {line}"
        field = harmless(".".join(str(step)[:_LONGEST_SHOWN] for step in error.path))
        raise UserErrorException(f"{path}{where}: {field + ': ' if field else ''}{error.why}") from None


def _checked(document: Document, folder: Path) -> dict[str, Any]:
    if not isinstance(document.value, dict):
        raise Wrong((), "a sweep is a mapping. Begin with script:, space: and metric:.")
    given: dict[str, Any] = document.value
    for name in given:
        if name not in SweepFile.__struct_fields__:
            raise Wrong((name,), no_field(name, SweepFile.__struct_fields__))
    for name, why in _MISSING.items():
        if given.get(name) is None:
            raise Wrong((name,) if name in given else (), f"{name} is missing. {why}")
    for name, value in given.items():
        if value is None:
            raise Wrong((name,), "there is no value. Give one, or leave the field out.")
    space = space_of(given["space"])  # first: it tells more of what is wrong
    file = converted(given, SweepFile, ())
    values = {name: getattr(file, name) for name in given if name not in _OTHERWISE}
    values |= {"space": space, "source": folder / (file.source or "")}
    values |= {name: folder / given[name] for name in _FILES if name in given}
    values |= {parameter: tuple(given[name]) for name, parameter in _LISTS.items() if name in given}
    values |= {name: tuple(given[name]) for name in _TUPLES if name in given}
    for name in _TEXTS:
        if name in given:
            values[name] = _text(document, (name,), given[name])
    if "policy" in given:
        values["policy"] = _policy(given["policy"])
    if "arguments" in given:
        values["arguments"] = tuple(
            _text(document, ("arguments", place), each) for place, each in enumerate(given["arguments"])
        )
    for name, parameter in _PAIRS.items():
        if name in given:
            values[parameter] = tuple(
                key if each is None else f"{key}={_text(document, (name, key), each)}"
                for key, each in given[name].items()
            )
    return values


def _policy(given: Any) -> str | Policy:
    if isinstance(given, str):
        return given
    found: Policy = converted(given, Policy, ("policy",))
    return found


def _text(document: Document, path: yaml_lines.Path, value: Any) -> str:
    return document.texts.get(path, str(value))
