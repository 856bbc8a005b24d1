"""Names of models: text of any script that can be a folder's name, since a model's files lie below one."""

from __future__ import annotations

from urllib.parse import unquote

LONGEST = 255
"""Characters, and bytes in UTF-8, which is what a folder's name may have."""
_MARKS = "/\\:@"
"""What separates a name from others in paths, in NAME:VERSION and in NAME@ALIAS."""


def refusal(name: object) -> str | None:
    """Why that cannot be a model's name, as the end of a sentence; None: it can."""
    if not isinstance(name, str):
        return f"is not text but {type(name).__name__}"
    if not name:
        return "is empty"
    if len(name) > LONGEST:
        return f"has {len(name)} characters; a name has at most {LONGEST}"
    if not name.isprintable():
        return "holds a character that cannot be seen"
    if len(name.encode()) > LONGEST:
        return f"has {len(name.encode())} bytes; a name has at most {LONGEST}"
    for spelled in (name, unquote(name)):
        if marks := sorted(set(spelled) & set(_MARKS)):
            return f"holds {marks[0]!r}"
    if name.startswith("."):
        return "begins with a dot"
    if name != name.strip():
        return "begins or ends with a blank"
    return None
