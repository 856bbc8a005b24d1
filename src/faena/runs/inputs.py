"""The data that a run asks for: what may be asked, and what its nodes are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from faena.data import safe_paths
from faena.data.datasets import service as datasets
from faena.data.datasets.schemas import Source, anonymous_id
from faena.data.datastores import service as datastores
from faena.db import Read, Write
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.runs import left_files
from faena.runs.submission_schemas import DataInput
from faena.workspaces.model import WorkspaceFolder

_MOST = 1000
_RUN_ID = "{run-id}"


def accept(write: Write, inputs: Sequence[DataInput], now: Micros) -> None:
    """Check what a submission asks for, and keep datasets that it describes itself.

    Raises UserErrorException naming the input, NotFound for a datastore or dataset that is not there. Whether the
    paths are there is seen on the node, just before the script starts.
    """
    if len(inputs) > _MOST:
        raise UserErrorException(f"{len(inputs)} data inputs were given; a run may have {_MOST}.")
    for attribute in ("name", "token", "variable"):
        given = [getattr(data, attribute) for data in inputs]
        twice = sorted({each for each in given if given.count(each) > 1})
        if twice:
            raise UserErrorException(
                f"Two data inputs have the {attribute} {twice[0]!r}. Give each a name of its own."
            )
    for data in inputs:
        _check(write, data)
        if data.sources:
            datasets.keep(write, data.sources, now, data.tabular)
    left_files.accept(write, inputs)


def _check(read: Read, data: DataInput) -> None:
    ids.check_reference_name(data.name)
    if bool(data.datastore) + bool(data.dataset) + bool(data.sources) + bool(data.run) != 1:
        raise UserErrorException(
            f"The data input {data.name!r} needs a datastore, a dataset, sources or a run, one of them."
        )
    if data.datastore:
        expected = f"AZUREML_DATAREFERENCE_{data.name}"
        datasets.check_sources(read, [Source(data.datastore, safe_paths.check(data.path))])
        modes: tuple[str, ...] = ("mount", "download", "upload")
    elif data.run:
        expected = ids.check_input_name(data.name)
        modes = ("mount", "download")
    else:
        expected = ids.check_input_name(data.name)
        modes = ("mount", "download", "direct")
        if data.dataset:
            tabular = datasets.get(read, data.dataset).tabular
        else:
            tabular = data.tabular
            datasets.check_sources(read, data.sources)
            datasets.check_tabular(tabular)
        if tabular is not None and data.mode != "direct":
            raise UserErrorException(
                f"The data input {data.name!r} is a tabular dataset, which has no files to {data.mode}. Give it as it "
                "is: as_named_input(name), or to_csv_files() of it."
            )
    if data.variable != expected or not data.token.startswith("$AZUREML_"):
        raise UserErrorException(
            f"The data input {data.name!r} has the variable {data.variable[:80]!r} and the token {data.token[:80]!r}; "
            f"use {expected!r} and a text that begins with '$AZUREML_'."
        )
    if data.mode not in modes:
        raise UserErrorException(
            f"The data input {data.name!r} has the mode {data.mode!r}. Use one of: {', '.join(modes)}."
        )
    place = safe_paths.check(data.path_on_compute.lstrip("/"), f"path_on_compute of {data.name!r}")
    if data.path_on_compute and not place:
        raise UserErrorException(
            f"The path_on_compute {data.path_on_compute[:80]!r} of {data.name!r} names no folder. Use one such as "
            "'data'."
        )


def dataset_id(data: DataInput) -> str:
    """Of an input that is a dataset; of files of a run what tells them apart from others."""
    return data.left_by or data.dataset or anonymous_id(data.sources, data.tabular)


def of_order(read: Read, inputs: Sequence[DataInput], run_id: str = "") -> list[dict[str, Any]]:
    """What a node is told: each input with its sources. `{run-id}` in the path of an upload is the run's."""

    def told(source: Source) -> dict[str, str]:
        if source.url:
            return {"url": source.url}
        return {"datastore": source.datastore, "path": source.path}

    orders = []
    for data in inputs:
        if data.mode == "upload" and run_id:
            data = msgspec.structs.replace(data, path=data.path.replace(_RUN_ID, run_id))
        sources, tabular = data.sources, data.tabular
        if data.datastore:
            sources = (Source(data.datastore, safe_paths.check(data.path)),)
        elif data.dataset:
            known = datasets.get(read, data.dataset)
            sources, tabular = known.sources, known.tabular
        given = [left_files.of_order(read, data)] if data.run else [told(source) for source in sources]
        order = msgspec.to_builtins(data)
        orders.append(
            {
                **order,
                "dataset": "" if data.datastore else dataset_id(data),
                "tabular": tabular,
                "sources": given,
            }
        )
    return orders


def in_place(read: Read, data: DataInput, folder: WorkspaceFolder) -> dict[str, Any]:
    """The same of one input, with the folders of its datastores; empty for one that has gone since."""
    stores = {each.name: each for each in datastores.list_all(read, folder)}
    (order,) = of_order(read, [data])
    for source in order["sources"]:
        if "datastore" in source:
            store = stores.get(source["datastore"])
            source["folder"] = str(store.folder) if store else ""
    return order
