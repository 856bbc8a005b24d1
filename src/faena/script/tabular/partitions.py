"""Columns that are made of the paths of files: `/{Department}/{Day:yyyy/MM/dd}/data.csv`."""

from __future__ import annotations

import re

from faena.script.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TOKEN = re.compile(r"\{([^{}:/]+)(?::([^{}]+))?\}")
_PARTS = (
    ("yyyy", "%Y", "[0-9]{4}"),
    ("MM", "%m", "[0-9]{2}"),
    ("dd", "%d", "[0-9]{2}"),
    ("HH", "%H", "[0-9]{2}"),
    ("mm", "%M", "[0-9]{2}"),
    ("ss", "%S", "[0-9]{2}"),
)


class PartitionFormat:
    """What stands in a path from its first column on to its end. Raises UserErrorException for what is no format."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.columns: list[tuple[str, dict[str, Any]]] = []
        self._dates: dict[str, str] = {}
        pattern, at = "", 0
        plain = re.sub(r"^(\.\./|\./|/)+", "", text)
        for token in _TOKEN.finditer(plain):
            pattern += _literal(plain[at : token.start()]) + self._group(token[1], token[2])
            at = token.end()
        pattern += _literal(plain[at:])
        if not self.columns or "{" in _TOKEN.sub("", plain):
            raise UserErrorException(
                "The partition_format {!r} names no column. Use one such as '/{{Department}}/{{Day:yyyy/MM/dd}}/"
                "data.csv'.".format(text[:200])
            )
        self._pattern = re.compile("(?:.*/)?" + pattern)

    def values(self, path: str) -> dict[str, Any]:
        """Of the columns, for a file. Raises UserErrorException for a path that is not of the format."""
        from datetime import datetime

        found = self._pattern.fullmatch(path)
        if found is None:
            raise UserErrorException(
                "The path {!r} is not of the partition_format {!r}. Choose the files with a pattern such as "
                "'weather/**/*.csv', or change the format.".format(path[:200], self._text[:200])
            )
        values: dict[str, Any] = {}
        for number, (name, _) in enumerate(self.columns):
            text = found.group("c{}".format(number))
            if name not in self._dates:
                values[name] = text
                continue
            try:
                values[name] = datetime.strptime(text, self._dates[name])
            except ValueError:
                raise UserErrorException(
                    "In the path {!r}, {!r} is no date for the column {!r}.".format(path[:200], text, name)
                ) from None
        return values

    def _group(self, name: str, form: str | None) -> str:
        if name in [each for each, _ in self.columns]:
            raise UserErrorException(
                "The partition_format {!r} names the column {!r} twice.".format(self._text, name)
            )
        group = "(?P<c{}>".format(len(self.columns))
        if form is None:
            self.columns.append((name, {"type": "string", "partition": True}))
            return group + "[^/]+?)"
        spelled, pattern = form, re.escape(form)
        for word, directive, digits in _PARTS:
            spelled, pattern = spelled.replace(word, directive), pattern.replace(word, digits)
        if "%" not in spelled:
            raise UserErrorException(
                "{!r} is no format of dates in the partition_format {!r}. Use one of yyyy, MM, dd, HH, mm, ss, such as "
                "yyyy/MM/dd.".format(form, self._text)
            )
        self.columns.append((name, {"type": "datetime", "partition": True}))
        self._dates[name] = spelled
        return group + pattern + ")"


def _literal(text: str) -> str:
    return re.escape(text).replace(r"\*", "[^/]*")
