"""What is secret is not seen where a value is shown by chance: as the last line of a notebook's cell, in a log."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import msgspec
import pytest

import faena
from faena.compute.machines.schemas import JoinTokenView
from faena.endpoints.schemas import KeysView
from faena.node.joined.machine import Machine

_SECRET = re.compile(r"(.*_)?(tokens?|keys?|secrets?|passwords?|primary|secondary)")
_WITH_VIEWS = re.compile(r"(schemas|model|desired|service|engine\.routes|authentication|asking)$")
_NONE = {
    "AuditEntry.token",  # its id
    "DataInput.token",  # stands for a path in arguments
    "Envelope.key",  # the name of one
    "FarAttempt.key",  # its name
    "Group.key",  # what runs are grouped by
    "Label.key",  # of a label or a row, with its value
    "Row.key",
    "Machine.token",  # a digest
    "Removed.token",  # likewise
    "Tls.key",  # a path
}
"""Fields of such names that hold none."""


@pytest.mark.parametrize(
    "shown",
    [
        JoinTokenView("https://10.0.0.5:4", "much-to-hide", "shop", 1),
        KeysView("much-to-hide", "much-to-hide"),
        Machine("https://10.0.0.5:4", "shed", "ws-1", "much-to-hide"),
    ],
    ids=lambda shown: type(shown).__name__,
)
def test_a_view_with_a_secret_shows_all_but_that(shown: object) -> None:
    assert "much-to-hide" not in repr(shown)
    assert repr(shown).startswith(f"{type(shown).__name__}(")


def test_each_class_with_such_a_field_hides_it() -> None:
    for module in pkgutil.walk_packages(faena.__path__, "faena."):
        if _WITH_VIEWS.search(module.name):
            importlib.import_module(module.name)
    shows = {
        f"{cls.__name__}.{field}"
        for cls in below(msgspec.Struct)
        if cls.__module__.startswith("faena.") and _WITH_VIEWS.search(cls.__module__)
        if not cls.__name__.endswith("_signature_model")  # of Litestar, for a route's arguments
        for field in cls.__struct_fields__
        if _SECRET.fullmatch(field) and "__repr__" not in vars(cls)
    }
    assert shows <= _NONE, "`__repr__ = hiding(…)`, or say here why it is none"


def below(cls: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for each in cls.__subclasses__():
        yield each
        yield from below(each)
