"""Metrics of a run as files of other programs: CSV, Parquet, TensorBoard. Written a part at a time."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from faena.client.metrics import series
from faena.client.metrics.series import Part
from faena.client.workspaces.session import Session
from faena.kernel.errors import UserErrorException

_NO_STEP = -(2**63)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula."""


def export(session: Session, run_id: str, names: Iterable[str], path: str | os.PathLike[str]) -> None:
    """Write the numbers of these metrics to `path`: `….csv`, `….parquet`, or a folder for TensorBoard's event files.

    Raises UserErrorException where it cannot be written, or a package that the format needs is missing.
    """
    target = Path(path)
    write = {".csv": _csv, ".parquet": _parquet, "": _tensorboard}.get(target.suffix.lower())
    if write is None:
        raise UserErrorException(
            f"{target.name!r} is no format. Use FILE.csv, FILE.parquet, or a folder for TensorBoard's event files, "
            "whose name has no ending."
        )
    try:
        write(target, ((name, part) for name in names for part in series.parts(session, run_id, name)))
    except OSError as error:
        raise UserErrorException(f"{target} cannot be written: {error.strerror or error}.") from error


def _csv(target: Path, parts: Iterator[tuple[str, Part]]) -> None:
    with _whole(target) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("metric", "step", "time", "value"))
        for name, part in parts:
            cell = f"'{name}" if name.startswith(_FORMULA) else name
            writer.writerows(
                (cell, "" if point.step is None else point.step, _iso(point.time), repr(point.value))
                for point in part.points()
            )


def _parquet(target: Path, parts: Iterator[tuple[str, Part]]) -> None:
    pyarrow = _needed("pyarrow", "parquet")
    from pyarrow import parquet

    schema = pyarrow.schema(
        [
            ("metric", pyarrow.dictionary(pyarrow.int32(), pyarrow.string())),
            ("step", pyarrow.int64()),
            ("time", pyarrow.timestamp("us", "UTC")),
            ("value", pyarrow.float64()),
        ]
    )
    with _whole(target) as partial, parquet.ParquetWriter(partial, schema) as writer:
        for name, part in parts:
            steps = [None if step == _NO_STEP else step for step in part.step]
            columns = [
                pyarrow.array([name] * len(steps)).dictionary_encode(),
                pyarrow.array(steps, pyarrow.int64()),
                pyarrow.array(part.time, pyarrow.int64()).cast(schema.field("time").type),
                pyarrow.array([float(value) for value in part.value], pyarrow.float64()),
            ]
            writer.write_table(pyarrow.Table.from_arrays(columns, schema=schema))


def _tensorboard(target: Path, parts: Iterator[tuple[str, Part]]) -> None:
    package = _needed("tensorboardX", "tensorboard")
    with package.SummaryWriter(str(target)) as writer:
        count: dict[str, int] = {}
        for name, part in parts:
            for point in part.points():
                place = count[name] = count.get(name, -1) + 1
                step = place if point.step is None else point.step
                writer.add_scalar(name, point.value, step, point.time / 1e6)


def _needed(package: str, extra: str) -> Any:
    from importlib import import_module

    try:
        return import_module(package)
    except ImportError:
        raise UserErrorException(
            f"This format needs {package}, which is not installed. `pip install 'faena[{extra}]'`."
        ) from None


@contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """A name to write under; the file has its own when it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.part")
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="microseconds")
