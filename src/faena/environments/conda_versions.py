"""Conda's ways to write a version, as PEP 440 has them."""

from __future__ import annotations

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet

_VERSION = re.compile(r"[\w.+!*-]+", re.ASCII)
_CLAUSE = re.compile(r"(===|==|!=|<=|>=|~=|=|<|>|)\s*(.+)", re.DOTALL)
_LAST_DIGIT = re.compile(r"([\w.]*?)\[([\d-]{1,20})\]\*?", re.ASCII)
_REBUILT = re.compile(r"\.post20\d{6}\b")
"""A day of conda's own packaging behind a version: setuptools 46.1.3.post20200330 is 46.1.3 on the package index."""


def specifier(text: str) -> SpecifierSet:
    """`=1.19,<2` and its like. Raises ValueError for what is no version."""
    try:
        return SpecifierSet(
            ",".join(_clause(part.strip()) for part in _REBUILT.sub("", text).split(",") if part.strip())
        )
    except InvalidSpecifier as error:
        raise ValueError(text) from error


def without_build(text: str) -> tuple[str, str]:
    """Version and build: `=1.2=py38_0` and `==1.2=py38_0` name a build after the version, as does `1.2 py38_0`."""
    exact = re.fullmatch(r"==?\s*([^=<>!~,\s]+)\s*(?:=\s*|\s)([\w.*+-]+)", text, re.ASCII) or re.fullmatch(
        r"(\d[^=<>!~,\s]*)\s*(?:=\s*|\s)([\w.*+-]+)", text, re.ASCII
    )
    if exact is None:
        return text, ""
    return f"=={exact[1]}", "" if exact[2] == "*" else exact[2]


def _clause(text: str) -> str:
    operator, number = _CLAUSE.fullmatch(text).groups()  # type: ignore[union-attr]  # any text matches
    if operator in ("", "=", "==") and (digits := _LAST_DIGIT.fullmatch(number)):
        return _between(digits[1], digits[2])
    if operator == "===" or not _VERSION.fullmatch(number):
        raise ValueError(text)
    if number == "*":
        return ""
    number = re.sub(r"(?<=[\w])\*$", ".*", number)  # conda's 1.2* is PEP 440's 1.2.*
    if operator == "=":
        # Behind letters, as in 2.9.0post0, PEP 440 has no star.
        return f"=={number}.*" if re.fullmatch(r"[\d.!]+", number) else f"=={number}"
    if operator in ("", "=="):
        return f"=={number}"
    # With other operators conda ignores the star.
    return f"{operator}{number}" if operator == "!=" else f"{operator}{number.removesuffix('.*')}"


def _between(begin: str, digits: str) -> str:
    """`1.2[0-3]`: any of 1.20 to 1.23."""
    parts = re.fullmatch(r"(?:\d-\d|\d)+", digits)
    if parts is None or not begin:
        raise ValueError(digits)
    allowed: set[int] = set()
    for found in re.finditer(r"(\d)-(\d)|(\d)", digits):
        allowed |= {int(found[3])} if found[3] else set(range(int(found[1]), int(found[2]) + 1))
    if not allowed or not re.fullmatch(r"(\d+\.)*\d*", begin):
        raise ValueError(digits)
    least, most = min(allowed), max(allowed)
    prefix, _, last = begin.rpartition(".")
    dotted = f"{prefix}." if prefix else ""
    end = f"{dotted}{int(f'{last}{most}') + 1}"
    gaps = [f"!={begin}{digit}.*" for digit in range(least, most) if digit not in allowed]
    return ",".join([f">={begin}{least}", f"<{end}", *gaps])
