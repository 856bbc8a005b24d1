"""Every parameter and method of v1's handles that has a meaning here is there, in v1's order; the others say so."""

from __future__ import annotations

import csv
import inspect
from pathlib import Path
from typing import Any

import pytest

import faena_azureml
from faena.client.not_covered import MARK
from faena.kernel.errors import NotCovered
from faena_azureml import lookup
from faena_azureml.not_covered import has_own_entry

TABLE = Path(faena_azureml.__file__).with_name("data") / "signatures.tsv"
KEYWORDS_ONLY = "*"


def rows(kind: str) -> list[Any]:
    with TABLE.open(newline="") as file:
        lines = [line for line in csv.DictReader(file, delimiter="\t") if line["kind"] == kind]
    return [pytest.param(line["name"], line["parameters"].split(), id=line["name"]) for line in lines]


def handle(name: str) -> type:
    home = "azureml.core.compute.ComputeTarget" if name == "ComputeTarget" else lookup._homes()[name][0]
    found = lookup._resolved(home).value
    assert isinstance(found, type), f"{home} is no class"
    return found


def is_refused(owner: type, member: str) -> bool:
    """Whether it is there to say that it is not covered."""
    found = inspect.getattr_static(owner, member, None)
    if isinstance(found, type):  # one that stands in for a class
        return hasattr(found, MARK)
    return getattr(getattr(found, "__func__", found), MARK, None) is not None


@pytest.mark.parametrize(("name", "wanted"), rows("method"))
def test_parameters_are_those_of_v1(name: str, wanted: list[str]) -> None:
    owner_name, _, member = name.partition(".")
    owner = handle(owner_name)
    assert hasattr(owner, member), f"{name} is not there, not even to say that it is not covered"
    called = getattr(owner, member)
    if is_refused(owner, member):
        with pytest.raises(NotCovered, match=member):
            called()
        return
    found = [
        each for each in inspect.signature(called).parameters.values() if each.name not in ("self", "cls")
    ]
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in found)
    names = {each.name for each in found}
    assert takes_any or set(wanted) - {KEYWORDS_ONLY} <= names
    in_order = wanted[: wanted.index(KEYWORDS_ONLY)] if KEYWORDS_ONLY in wanted else wanted
    by_place = [each.name for each in found if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    shared = min(len(in_order), len(by_place))
    assert by_place[:shared] == in_order[:shared], "what is given by its place means something else here"
    ours = {each.name: each for each in found if each.name not in wanted}
    required = [
        name for name, each in ours.items() if each.default is each.empty and each.kind < each.VAR_KEYWORD
    ]
    assert [each for each in required if ours[each].kind is not inspect.Parameter.VAR_POSITIONAL] == []


@pytest.mark.parametrize(("name", "wanted"), rows("attribute"))
def test_attributes_are_those_of_v1(name: str, wanted: list[str]) -> None:
    owner_name, _, member = name.partition(".")
    owner = handle(owner_name)
    if is_refused(owner, member):
        return
    there = any(member in vars(base) for base in owner.__mro__)
    assert there or member in set(lookup._instance_attributes(owner))
    assert not has_own_entry(f"{owner.__module__}.{owner.__name__}.{member}")


def test_an_attribute_without_a_meaning_says_so() -> None:
    from faena.client.environments.environment import Environment

    with pytest.raises(NotCovered, match=r"pyspark"):
        _ = Environment("e").spark
