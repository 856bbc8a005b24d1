"""A source file as Python 3.6 can run it, line by line the same.

What that Python cannot compile are annotations that name what is loaded for type checkers alone: they go. What its
standard library lacks is asked of `_faena_python36` instead. Files are changed where these stand and nowhere else, so
that the lines of a traceback are those of the original.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple, TypeGuard

_FUTURE = "from __future__ import annotations"
_SHIMS = "_faena_python36"
_IMPORT = f"import {_SHIMS}"
_MODULES_LACK = frozenset({("os", "register_at_fork"), ("time", "time_ns"), ("datetime", "fromisoformat")})
_OBJECTS_LACK = frozenset({"isascii"})
_ANSWERS = "__getattr__"


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


def for_python36(source: str, name: str) -> str:
    """`name`: of the file, for the error. Raises ValueError for a file that cannot be changed so."""
    try:
        return _changed(source)
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"{name} cannot be made to run on Python 3.6: {error}") from error


def _changed(source: str) -> str:
    data = source.encode()
    tree = ast.parse(source)
    places = _Places(data)
    edits = sorted(set(_edits(tree, places)), reverse=True)
    last = len(data)
    if any(f"{_SHIMS}." in edit.text for edit in edits) and not any(edit.text == _IMPORT for edit in edits):
        raise ValueError(f"it needs {_SHIMS}, which '{_FUTURE}' becomes the import of, and has no such line")
    for edit in edits:
        if edit.end > last:
            raise ValueError(f"two changes meet at byte {edit.start}")
        last = edit.start
        lost = data.count(b"\n", edit.start, edit.end) - edit.text.count("\n")
        if lost:
            raise ValueError(f"a change at byte {edit.start} would move the lines behind it")
        data = data[: edit.start] + edit.text.encode() + data[edit.end :]
    if _answers_for_its_module(tree):
        data = data.rstrip() + f"\nimport {_SHIMS}; {_SHIMS}.answer_for(__name__)\n".encode()
    return data.decode()


class _Places:
    """Where nodes stand, in bytes from the beginning."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._lines = [0]
        for line in data.split(b"\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)

    def start(self, node: ast.expr | ast.stmt | ast.arg) -> int:
        return self._lines[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt | ast.arg) -> int:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._lines[node.end_lineno - 1] + node.end_col_offset

    def newlines(self, start: int, end: int) -> str:
        return "\n" * self.data.count(b"\n", start, end)


def _edits(tree: ast.Module, places: _Places) -> Iterator[_Edit]:
    fields: set[ast.AST] = set()
    for node in ast.walk(tree):  # what is in a class comes behind it
        if _is_named_tuple(node):
            fields.update(ast.iter_child_nodes(node))
        elif isinstance(node, ast.ImportFrom):
            yield from _of_import(node, places)
        elif isinstance(node, ast.arg) and node.annotation is not None:
            name_end = places.start(node) + len(node.arg.encode())
            yield _Edit(name_end, places.end(node), places.newlines(name_end, places.end(node)))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            arrow = places.data.rindex(b"->", 0, places.start(node.returns))
            end = places.end(node.returns)
            yield _Edit(arrow, end, places.newlines(arrow, end))
        elif isinstance(node, ast.AnnAssign):
            yield _of_annotated(node, places, is_field=node in fields)
        elif _is_microseconds(node):
            yield _Edit(places.start(node), places.end(node), f"int({_SHIMS}.now() * 1e6)")
        elif _is_lacked(node):
            yield _Edit(places.start(node), places.end(node), f"{_SHIMS}.{node.attr}")
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _OBJECTS_LACK
        ):
            value = places.data[places.start(node.func.value) : places.end(node.func.value)].decode()
            yield _Edit(places.start(node), places.end(node), f"{_SHIMS}.{node.func.attr}({value})")


def _is_microseconds(node: ast.AST) -> TypeGuard[ast.BinOp]:
    """`time_ns() // 1000`, which each `Run.log` asks: a function in between would cost it a tenth."""
    return isinstance(node, ast.BinOp) and ast.unparse(node) == "time_ns() // 1000"


def _is_lacked(node: ast.AST) -> TypeGuard[ast.Attribute]:
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return False
    return (node.value.id, node.attr) in _MODULES_LACK


def _of_import(node: ast.ImportFrom, places: _Places) -> Iterator[_Edit]:
    if node.module == "__future__":
        if [each.name for each in node.names] != ["annotations"]:
            raise ValueError(f"line {node.lineno} imports more of __future__ than annotations")
        yield _Edit(places.start(node), places.end(node), _IMPORT)
    elif any((node.module, each.name) in _MODULES_LACK for each in node.names):
        if len(node.names) > 1:
            raise ValueError(f"line {node.lineno} imports more than {node.names[0].name}")
        yield _Edit(places.start(node), places.end(node), f"from {_SHIMS} import {node.names[0].name}")


def _of_annotated(node: ast.AnnAssign, places: _Places, *, is_field: bool) -> _Edit:
    if is_field:  # of a NamedTuple, which is made of them
        return _Edit(places.start(node.annotation), places.end(node.annotation), '"object"')
    end = places.end(node.target)
    if node.value is None:
        return _Edit(
            places.start(node),
            places.end(node),
            "pass" + places.newlines(places.start(node), places.end(node)),
        )
    sign = places.data.index(b"=", places.end(node.annotation))
    if b"\n" in places.data[end:sign]:
        raise ValueError(f"the annotation of line {node.lineno} goes over several lines")
    return _Edit(end, sign, " ")


def _is_named_tuple(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and any(
        isinstance(base, ast.Name) and base.id == "NamedTuple" for base in node.bases
    )


def _answers_for_its_module(tree: ast.Module) -> bool:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == _ANSWERS:
            return True
        if isinstance(node, ast.ImportFrom) and any(each.name == _ANSWERS for each in node.names):
            return True
    return False
