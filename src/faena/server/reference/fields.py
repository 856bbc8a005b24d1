"""What the fields of wire types mean: the texts that stand below them in the source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable
from functools import cache
from typing import get_args

import msgspec


@cache
def of_type(kind: type) -> dict[str, str]:
    """By the name of the field, those of its bases included."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base is not msgspec.Struct and issubclass(base, msgspec.Struct):
            found |= _own(base)
    return found


def _own(kind: type) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    except (OSError, TypeError, SyntaxError):  # no source, as in an archive
        return {}
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, after in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match after:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    found[field.target.id] = " ".join(inspect.cleandoc(text).split())
    return found


def types_in(annotations: Iterable[object]) -> dict[str, type]:
    """Wire types that these speak of, by name; those whose name several have are left out."""
    found: dict[type, None] = {}
    waiting = list(annotations)
    while waiting:
        each = waiting.pop()
        waiting += get_args(each)
        if isinstance(each, type) and issubclass(each, msgspec.Struct) and each not in found:
            found[each] = None
            waiting += [field.type for field in msgspec.structs.fields(each)]
    named: dict[str, list[type]] = {}
    for kind in found:
        named.setdefault(kind.__name__, []).append(kind)
    return {name: kinds[0] for name, kinds in named.items() if len(kinds) == 1}
