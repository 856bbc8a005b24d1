"""A module with all that it imports as one file, so that a browser asks once. Text in, text out.

Each module becomes a function's body, in the order in which a browser would have run them, and what it exports an
object. That is done line by line: our modules import and export in few ways, and another way is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_IMPORT = re.compile(r'^import (?:(\{[^}]*\}|\w+) from )?"\./([\w.]+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function\*?|class|const) (\w+)", re.MULTILINE)
_LATER = re.compile(r'\bimport\("\./(\w+)\.js"\)')
_LEFT = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
ENDING = ".whole.js"


def whole(name: str, read: Callable[[str], str], apart: frozenset[str] = frozenset()) -> str:
    """`name` without `.js`. `read`: the text of a module by its name; those `apart` stay files of their own.

    Raises ValueError for a module that is written in a way that is not known here.
    """
    order: dict[str, str] = {}
    for each in _in_order(name, read, apart, ()):
        order.setdefault(each, read(each))
    parts, outside, exported = [], dict[str, None](), ""
    for each, text in order.items():
        body, names, imported = _body(each, text, apart)
        outside |= dict.fromkeys(imported)
        exported = ", ".join(names)
        parts.append(f"// {each}.js\nconst ${each} = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();\n")
    last = f"export const {{ {exported} }} = ${name};\n" if exported else ""
    return "".join([*(f"{line}\n" for line in outside), *parts, last])


def imports(text: str) -> list[str]:
    """Names of the modules that one imports."""
    return [name for _, name in _IMPORT.findall(text)]


def _in_order(
    name: str, read: Callable[[str], str], apart: frozenset[str], above: tuple[str, ...]
) -> Iterator[str]:
    if name in above:
        raise ValueError(f"{name}.js imports itself by way of {' and '.join(above)}.")
    for each in imports(read(name)):
        if each not in apart:
            yield from _in_order(each, read, apart, (*above, name))
    yield name


def _body(name: str, text: str, apart: frozenset[str]) -> tuple[str, list[str], list[str]]:
    """Of a function, the names that it exports, and imports that stay imports."""
    outside: list[str] = []

    def of_import(found: re.Match[str]) -> str:
        wanted, module = found.groups()
        if module in apart:
            outside.append(found.group())
            return ""
        if wanted is None:
            return ""
        if not wanted.startswith("{"):
            raise ValueError(f"{name}.js imports what {module}.js has no name for.")
        return f"const {wanted.replace(' as ', ': ')} = ${module};"

    names = [found for _, found in _EXPORT.findall(text)]
    body = _EXPORT.sub(r"\1 \2", _IMPORT.sub(of_import, text))
    if left := _LEFT.search(body):
        raise ValueError(f"{name}.js has a line that is not understood: {left.group()}")
    return _LATER.sub(rf'import("./\1{ENDING}")', body), names, outside
