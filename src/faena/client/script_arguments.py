"""The arguments of a script: texts, and data that the node brings, of which it puts the path there."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from numbers import Number
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from faena.client.wire import shown
from faena.client.workspaces.session import Session
from faena.kernel.errors import UserErrorException
from faena.runs.submission_schemas import DataInput

LONGEST = (1 << 17) - 1
"""Bytes of an argument, without the one that ends it."""
_OURS = ("faena", "faena_azureml")
_REFERENCE = re.compile(r"\$AZUREML_DATAREFERENCE_\w+")


@runtime_checkable
class IsData(Protocol):
    """What may stand in a script's arguments for data that the node brings: a DataReference, a named dataset input."""

    def data_input(self) -> DataInput: ...


def argument_text(argument: object) -> str:
    """An argument as the script gets it; data is named by its token, which the node replaces by a path."""
    if isinstance(argument, IsData):
        return argument.data_input().token
    if type(argument).__module__.partition(".")[0] in _OURS:
        raise UserErrorException(
            f"A script gets texts, and {shown(argument)} is a {type(argument).__name__}. {_instead_of(argument)}"
        )
    if not _is_plain(argument):
        raise UserErrorException(
            f"The argument {shown(argument)} ({type(argument).__name__}) is nothing that a script can get. Give texts, "
            "numbers, True or False, paths, or data; leave out what is None."
        )
    text = str(argument)
    if len(text) * 4 > LONGEST and (size := len(os.fsencode(text))) > LONGEST:
        raise UserErrorException(
            f"The argument {shown(text[:60])} has {size:,} bytes. Linux gives a program {LONGEST:,} (128 KiB) in one "
            "argument at most: put it into a file of the source folder, and give the file's name."
        )
    return text


def _is_plain(argument: object) -> bool:
    """Also numbers of numpy, and dates, whose text says what they are."""
    if isinstance(argument, (str, Number, os.PathLike, date, UUID)):
        return True
    return hasattr(argument, "dtype") and getattr(argument, "shape", None) == ()


def check_inputs(inputs: object) -> list[Any]:
    """The data of an estimator. Raises UserErrorException for what the node cannot bring."""
    if inputs is not None and not isinstance(inputs, (list, tuple)):
        raise UserErrorException(f"inputs is {shown(inputs)}. Use a list of inputs.")
    for each in inputs or ():
        if not isinstance(each, IsData):
            raise UserErrorException(f"inputs holds {shown(each)}. {_instead_of(each)}")
    return list(inputs or ())


def _instead_of(handle: object) -> str:
    if hasattr(handle, "as_named_input"):
        return "Name the dataset: dataset.as_named_input('data').as_mount()."
    member = next((name for name in ("id", "name") if hasattr(handle, name)), None)
    if member is not None and not isinstance(handle, (str, int)):
        return f"Give its {member}, such as {type(handle).__name__.lower()}.{member}."
    return "Give a dataset's as_named_input('data').as_mount(), a data reference, or text."


def listed(arguments: object) -> list[Any]:
    """One by one; a text is split as a shell does. Raises UserErrorException for what is no list, such as a dict."""
    if isinstance(arguments, str):
        return shlex.split(arguments)
    if arguments is not None and not isinstance(arguments, Sequence):
        raise UserErrorException(f"arguments is {shown(arguments)}. Use a list, such as ['--epochs', 3].")
    return list(arguments or ())


def check_tokens(arguments: Sequence[object], brought: Sequence[DataInput]) -> None:
    """Raises for the text of a data reference that the run does not have: the script would get it as it is."""
    tokens = {data.token for data in brought}
    for argument in arguments:
        if isinstance(argument, str) and _REFERENCE.fullmatch(argument) and argument not in tokens:
            raise UserErrorException(
                f"The argument {argument!r} is the text of a data reference that the run does not have. Give the "
                "reference itself, without str(), or put it into run_config.data_references."
            )


def bring_local_files(values: Iterable[object], session: Session) -> None:
    """Datasets of this machine's files are uploaded to the session's default datastore, where the node finds them."""
    for value in values:
        bring = getattr(value, "bring_local_files", None)
        if isinstance(value, IsData) and bring is not None:
            bring(session)


def inputs_of(values: Iterable[object]) -> Iterator[DataInput]:
    """Each input once. Raises UserErrorException when two different ones have one name."""
    found: dict[str, DataInput] = {}
    for value in values:
        if not isinstance(value, IsData):
            continue
        data = value.data_input()
        if found.setdefault(data.name, data) != data:
            raise UserErrorException(
                f"Two different inputs are called {data.name!r}. Give each a name of its own."
            )
    yield from found.values()
