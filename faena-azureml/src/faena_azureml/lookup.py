"""Looks for a name of v1 in the code: an import statement, a class and its members, a module's function or constant."""

from __future__ import annotations

import csv
import dis
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

from faena.client.not_covered import MARK
from faena.kernel.errors import NotCovered
from faena_azureml.not_covered import entry_of, has_own_entry

_HOMES = Path(__file__).with_name("data") / "homes.tsv"
_NOWHERE = object()


class Found(NamedTuple):
    """`value` is what the name stands for where it is `there` and can be had without an instance, else None.

    `reason`: why it is not there.
    """

    there: bool
    value: Any = None
    reason: str = ""


def find(kind: str, name: str) -> Found:
    """`kind` is import, call or attribute; `name` as in the frequency file, such as `Run.log()`."""
    if kind == "import":
        return _imported(name)
    plain = name.removeprefix("func ").removesuffix("()")
    if plain.startswith("azureml."):
        return _resolved(plain)
    owner, _, member = plain.partition(".")
    homes = _homes()[owner]
    if not member:
        return _resolved(homes[-1] if owner == "ComputeTarget" else homes[0])
    found = [_member(home, member) for home in homes]
    return next((one for one in found if one.there), found[0])


def _imported(statement: str) -> Found:
    words = statement.split()
    if words[0] == "import":
        return _resolved(words[1])
    return _resolved(f"{words[1]}.{words[3]}")


def _resolved(dotted: str) -> Found:
    """The object of that dotted name."""
    try:
        value = _object(dotted)
    except NotCovered:
        return _absent(dotted)
    if value is _NOWHERE:
        return _absent(dotted)
    marked = vars(value).get(MARK) if hasattr(value, "__dict__") else None
    return _absent(marked) if marked else Found(True, value)


def _object(dotted: str) -> Any:
    """Raises NotCovered for what stands in; `_NOWHERE` when there is nothing of that name."""
    module, _, rest = dotted.rpartition(".")
    try:
        return import_module(dotted)
    except ModuleNotFoundError:
        if not module:
            return _NOWHERE
    except NotCovered:  # a module below one that is refused, or a name in one that is there in part
        if module not in sys.modules or rest not in vars(sys.modules[module]):
            raise
    return getattr(_object(module), rest, _NOWHERE)


def _member(home: str, name: str) -> Found:
    """A class's member: a method, a property, or an attribute that its methods set."""
    owner = _resolved(home)
    if not owner.there or has_own_entry(f"{home}.{name}"):
        return _absent(f"{home}.{name}")
    for cls in owner.value.__mro__:
        if name in vars(cls):
            value = vars(cls)[name]
            why = getattr(getattr(value, "__func__", value), MARK, None)
            if isinstance(value, type) and why is not None:  # a class that stands in
                return _absent(why)
            return Found(True, getattr(owner.value, name)) if why is None else Found(False, reason=why)
    return Found(True) if name in set(_instance_attributes(owner.value)) else _absent(f"{home}.{name}")


def _instance_attributes(cls: type) -> Iterator[str]:
    for base in cls.__mro__:
        yield from inspect.get_annotations(base)
        for value in vars(base).values():
            if isinstance(value, FunctionType):
                yield from (
                    str(step.argval) for step in dis.get_instructions(value) if step.opname == "STORE_ATTR"
                )


def _absent(dotted: str) -> Found:
    entry = entry_of(dotted)
    return Found(False, reason=entry.reason if entry is not None else "")


@cache
def _homes() -> dict[str, list[str]]:
    with _HOMES.open(newline="") as file:
        return {line["class"]: line["homes"].split() for line in csv.DictReader(file, delimiter="\t")}
