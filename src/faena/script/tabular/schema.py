"""Which columns a dataset's files have, and of which types: what the first rows show."""

from __future__ import annotations

from typing import NamedTuple

from faena.script.errors import UserErrorException
from faena.script.tabular import json_lines, types
from faena.script.tabular.definition import DELIMITED, PARQUET
from faena.script.tabular.delimited import Delimited
from faena.script.tabular.headers import COMBINE, NONE, ONLY_FIRST, header_of
from faena.script.tabular.parquet import Parquet
from faena.script.tabular.partitions import PartitionFormat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Sequence

    from faena.script.tabular.definition import Definition

SAMPLED = 200
"""Rows from which the types of columns are inferred."""
PATH = "Path"


class File(NamedTuple):
    """`path` is what the user knows it by: with a slash in front in a datastore, or an address; `place` is here."""

    path: str
    place: str


def look(of: Definition, sources: Sequence[File]) -> Definition:
    """The definition with the columns and types of the first rows. Raises UserErrorException for what is no table."""
    seen = {DELIMITED: _look_delimited, PARQUET: _look_parquet}.get(of.kind, _look_json)(of, sources)
    if not seen:
        raise UserErrorException(
            "There is no table: {} empty. Choose files that have rows.".format(
                "all {} files are".format(len(sources)) if len(sources) > 1 else sources[0].path + " is"
            )
        )
    said = of.options.get("set_column_types") or {}
    columns = [(name, said.get(name, kind)) for name, kind in [*_constant_columns(of, sources), *seen]]
    names = [name for name, _ in columns]
    known = set(names)
    missing = [name for name in said if name not in known]
    if missing:
        raise UserErrorException(
            "set_column_types names the column {!r}, and there is none. There are: {}.".format(
                missing[0], ", ".join(names[:50])
            )
        )
    twice = [name for name in names[: len(names) - len(seen)] if names.count(name) > 1]
    if twice:
        raise UserErrorException(
            "The files have a column {!r} of their own. Leave include_path away, or name the column of the "
            "partition_format otherwise.".format(twice[0])
        )
    return of.replaced(columns=columns)


def partitions_of(of: Definition) -> Optional[PartitionFormat]:
    text = of.options.get("partition_format")
    return PartitionFormat(text) if text else None


def _constant_columns(of: Definition, sources: Sequence[File]) -> list[tuple[str, dict[str, Any]]]:
    partitions = partitions_of(of)
    if partitions is not None:
        partitions.values(sources[0].path)
    first = [(PATH, types.TEXT)] if of.options.get("include_path") else []
    return [*first, *(partitions.columns if partitions is not None else [])]


def _look_delimited(of: Definition, sources: Sequence[File]) -> list[tuple[str, dict[str, Any]]]:
    mode = of.options["header"]
    names: list[str] = []
    texts: dict[str, list[Any]] = {}
    rows = 0
    for file in sources:
        if rows >= SAMPLED and mode != COMBINE:
            break
        reader = Delimited(file.place, file.path, of.options)
        own = header_of(reader, file.path, mode, names)
        if own is None:
            continue
        header = mode not in (NONE, ONLY_FIRST) or (mode == ONLY_FIRST and not names)
        names += [name for name in own if name not in texts]
        for name in own:
            texts.setdefault(name, [])
        if rows >= SAMPLED or not of.options.get("infer_column_types", True):
            continue
        found = next(reader.rows([types.TEXT] * len(own), header, set(range(len(own))), SAMPLED - rows), None)
        if found is not None:
            rows += len(found.frame)
            for place, name in enumerate(own):
                texts[name] += found.frame[place].tolist()
    infer = of.options.get("infer_column_types", True)
    return [(name, types.inferred(texts[name]) if infer else types.TEXT) for name in names]


def _look_parquet(of: Definition, sources: Sequence[File]) -> list[tuple[str, dict[str, Any]]]:
    """Of all files, whose ends alone are read: they must have the same columns; where types differ, it is text."""
    found: dict[str, dict[str, Any]] = {}
    for number, file in enumerate(sources):
        own = dict(Parquet(file.place, file.path).columns())
        if number == 0:
            found = dict(own)
            continue
        different = sorted(set(found) ^ set(own))
        if different:
            name = different[0]
            raise UserErrorException(
                "{} {} a column {!r}, and {} {}. Make one dataset of files that have the same columns.".format(
                    sources[0].path, "has" if name in found else "lacks", name, file.path,
                    "lacks it" if name in found else "has it",
                )
            )  # fmt: skip
        for name, kind in own.items():
            if found[name] != kind:
                numbers = {found[name]["type"], kind["type"]} == {"long", "float"}
                found[name] = {"type": "float"} if numbers else types.TEXT
    return list(found.items())


def _look_json(of: Definition, sources: Sequence[File]) -> list[tuple[str, dict[str, Any]]]:
    values: dict[str, list[Any]] = {}
    rows = 0
    for file in sources:
        for part in json_lines.records(file.place, file.path, of.options, SAMPLED):
            for _, record in part[: SAMPLED - rows]:
                for name, value in record.items():
                    values.setdefault(name, []).append(value)
            rows += len(part)
            if rows >= SAMPLED:
                return [(name, json_lines.type_of(found)) for name, found in values.items()]
    return [(name, json_lines.type_of(found)) for name, found in values.items()]
