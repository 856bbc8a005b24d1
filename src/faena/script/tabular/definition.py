"""What a tabular dataset is: how its files are read, and what is then done with rows and columns. Never changed."""

from __future__ import annotations

from faena.script.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping, Optional, Sequence

FORMAT = 1
"""Of the JSON; a higher one was written by a newer Faena."""

DELIMITED, PARQUET, JSON_LINES = "delimited", "parquet", "json_lines"


class Definition:
    """`kind` of the files, `options` of reading them, `columns` that were seen in them, `steps` after it.

    `columns`: (name, type) pairs, a type as in `types.py`; None where nobody looked. `steps`: (verb, arguments) pairs,
    see `steps.py`. `timestamps`: the columns that time filters look at, the fine one and that of partitions.
    """

    __slots__ = ("columns", "kind", "options", "steps", "timestamps")

    def __init__(
        self,
        kind: str,
        options: Mapping[str, Any],
        columns: Optional[Sequence[Any]] = None,
        steps: Sequence[Any] = (),
        timestamps: Sequence[Optional[str]] = (None, None),
    ) -> None:
        self.kind = kind
        self.options = dict(options)
        self.columns = None if columns is None else tuple((str(name), dict(of)) for name, of in columns)
        self.steps = tuple((str(verb), dict(arguments)) for verb, arguments in steps)
        self.timestamps = tuple(timestamps)

    def then(self, verb: str, **arguments: Any) -> Definition:
        """With one step more."""
        return self.replaced(steps=(*self.steps, (verb, arguments)))

    def replaced(self, **changes: Any) -> Definition:
        values = {name: getattr(self, name) for name in self.__slots__}
        values.update(changes)
        return Definition(**values)

    def described(self) -> Optional[dict[str, dict[str, Any]]]:
        """The types of its columns after all steps, by name; None where nobody looked at the files."""
        if self.columns is None:
            return None
        found = dict(self.columns)
        for verb, arguments in self.steps:
            if verb == "keep":
                found = {name: found.get(name, {"type": "any"}) for name in arguments["columns"]}
            elif verb == "drop":
                dropped = set(arguments["columns"])
                found = {name: of for name, of in found.items() if name not in dropped}
            elif verb == "rename":
                found = {arguments["names"].get(name, name): of for name, of in found.items()}
            elif verb == "convert":
                found.update(arguments["types"])
        return found

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "kind": self.kind,
            "options": self.options,
            "columns": None if self.columns is None else [list(pair) for pair in self.columns],
            "steps": [list(step) for step in self.steps],
            "timestamps": list(self.timestamps),
        }


def from_json(given: Mapping[str, Any]) -> Definition:
    """Raises UserErrorException for what a newer Faena wrote, and for what is no definition."""
    if given.get("format") != FORMAT:
        raise UserErrorException(
            "The tabular dataset was defined in format {!r}; this Faena reads {}. Use the Faena that made it, or a "
            "newer one.".format(given.get("format"), FORMAT)
        )
    try:
        return Definition(
            given["kind"], given["options"], given["columns"], given["steps"], given["timestamps"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserErrorException(
            "The definition of the tabular dataset is damaged ({!r}). Make the dataset anew.".format(error)
        ) from None
