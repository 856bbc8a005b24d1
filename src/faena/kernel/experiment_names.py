"""Names of experiments: text of any script, kept in one spelling, and what of it a run's id begins with.

MLflow and others permit almost any text, and runs of theirs are to find a home here. So a name is never a path or a
part of an address: runs have ids, which are made of a safe rest of it.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 255
"""Characters."""
_LONGEST_STEM = 100
_CONTROLS = ("Cc", "Cs", "Zl", "Zp")
"""Categories of what no line of text holds: control characters, halves of characters, separators of lines."""
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What makes the text around it appear in another order."""


def normal(name: str) -> str:
    """The one spelling (NFC) under which a name is kept and looked for: é may be written as one character or as two."""
    if name.isascii() or len(name) > 4 * LONGEST:  # too long to be a name in any spelling
        return name
    return unicodedata.normalize("NFC", name)


def refusal(name: object) -> str | None:
    """Why that cannot be an experiment's name, as the end of a sentence; None: it can."""
    if not isinstance(name, str):
        return f"is not text but {type(name).__name__}"
    spelled = normal(name)
    if not spelled:
        return "is empty"
    if len(spelled) > LONGEST:
        return f"has {len(spelled)} characters; a name has at most {LONGEST}"
    for letter in spelled:
        if letter in _REORDERING or unicodedata.category(letter) in _CONTROLS:
            return f"holds {_shown(letter)}"
    if spelled != spelled.strip():
        return "begins or ends with a blank"
    return None


def stem(name: str, or_else: str = "run") -> str:
    """What ids of the experiment's runs begin with: the name where it is safe everywhere, else what is left of it."""
    plain = unicodedata.normalize("NFKD", name)
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    safe = re.sub(r"[^A-Za-z0-9_\-]+", "-", letters).lstrip("-_")[:_LONGEST_STEM]
    return (safe if safe == name else safe.rstrip("-_")) or or_else


def _shown(letter: str) -> str:
    return f"U+{ord(letter):04X} ({unicodedata.name(letter, 'a control character').lower()})"
