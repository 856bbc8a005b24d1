"""Tags and properties: what may be their keys and values, whatever they are put on."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from faena.kernel.errors import UserErrorException

LONGEST_KEY = 255
LONGEST_VALUE = 1 << 19
"""Characters."""
MOST_MARKS = 10_000
"""Tags of a run, and its properties: whoever looks at the run reads them all."""


def check_mark(what: str, key: str, value: str) -> None:
    """Raises UserErrorException for a tag or property (`what`) that cannot be kept."""
    if not 1 <= len(key) <= LONGEST_KEY or any(ord(letter) < 32 or ord(letter) == 127 for letter in key):
        raise UserErrorException(
            f"{key[:80]!r} cannot be the key of a {what}. Use 1 to {LONGEST_KEY} characters of text."
        )
    if "\0" in value:
        raise UserErrorException(
            f"The {what} {key!r} holds a NUL character, which no text may. Leave it out."
        )
    if len(value) > LONGEST_VALUE:
        raise UserErrorException(
            f"The {what} {key!r} has {len(value)} characters; at most {LONGEST_VALUE} are kept. Upload a file instead."
        )


def check_marks(what: str, new: Mapping[str, str], there: Collection[str] = ()) -> None:
    """Raises UserErrorException for what cannot be added to what a run has: one that cannot be kept, or too many."""
    for key, value in new.items():
        check_mark(what, key, value)
    added = set(new).difference(there)
    if added and len(there) + len(added) > MOST_MARKS:
        raise UserErrorException(
            f"These would be {len(there) + len(added):,} keys of a {what}; a run has at most {MOST_MARKS:,}. Log "
            "numbers as metrics, or upload a file."
        )


def fitting(key: object, value: str) -> tuple[str, str]:
    """What a script's own records say, cut and cleaned to what can be kept: nobody is there to refuse it to."""
    shown = "".join(" " if ord(letter) < 32 or ord(letter) == 127 else letter for letter in str(key))
    return shown[:LONGEST_KEY] or "?", value[:LONGEST_VALUE]
