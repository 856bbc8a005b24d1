"""Which names the columns of a delimited file have, by what is said of headers."""

from __future__ import annotations

from faena.script.errors import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Sequence

    from faena.script.tabular.delimited import Delimited

NONE, ONLY_FIRST, COMBINE, ALL_SAME = "none", "only_first", "combine", "all_same"


class PromoteHeadersBehavior:
    """Which files of a dataset begin with the names of its columns."""

    NO_HEADERS = NONE
    ONLY_FIRST_FILE_HAS_HEADERS = ONLY_FIRST
    COMBINE_ALL_FILES_HEADERS = COMBINE
    ALL_FILES_HAVE_SAME_HEADERS = ALL_SAME


def behaviour(given: Any) -> str:
    """Of `header`: True, False or a PromoteHeadersBehavior. Raises UserErrorException for anything else."""
    if isinstance(given, bool):
        return ALL_SAME if given else NONE
    if not isinstance(given, str) or given not in (NONE, ONLY_FIRST, COMBINE, ALL_SAME):
        raise UserErrorException(
            "header is {!r}. Use True, False or one of PromoteHeadersBehavior, such as "
            "PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS.".format(given)
        )
    return given


def header_of(reader: Delimited, path: str, mode: str, known: Sequence[str]) -> Optional[list[str]]:
    """The names of a file's columns in its order, None for a file without a record. `known`: those of the dataset.

    Raises UserErrorException where they must be the dataset's and are not.
    """
    first = reader.first_record()
    if first is None:
        return None
    if mode == NONE or (mode == ONLY_FIRST and known):
        return list(known) or ["Column{}".format(number + 1) for number in range(len(first))]
    own = _names(first)
    if mode != COMBINE and known and set(own) != set(known):
        there, theirs = set(known), set(own)
        more, less = (
            [name for name in own if name not in there],
            [name for name in known if name not in theirs],
        )
        raise UserErrorException(
            "{} has other columns than the first file: {}. Give header="
            "PromoteHeadersBehavior.COMBINE_ALL_FILES_HEADERS to have the columns of all, or choose files that have "
            "the same.".format(
                path, "; ".join(
                    "{} {}".format(word, ", ".join(map(repr, names[:5])))
                    for word, names in (("it also has", more), ("it lacks", less))
                    if names
                )
            )
        )  # fmt: skip
    return own


def _names(fields: Sequence[str]) -> list[str]:
    """Each once: one without a name is called by its number, the second `a` is `a_1`."""
    taken = {name for name in fields if name.strip()}
    made: list[str] = []
    seen: set[str] = set()
    counts: dict[str, int] = {}
    for number, name in enumerate(fields):
        name = name if name.strip() else "Column{}".format(number + 1)
        plain = name
        while name in seen or (name != plain and name in taken):
            counts[plain] = counts.get(plain, 0) + 1
            name = "{}_{}".format(plain, counts[plain])
        seen.add(name)
        made.append(name)
    return made
