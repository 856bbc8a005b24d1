"""What of one folder is left out, by rules that are asked only about what was not decided before."""

from __future__ import annotations

from faena.data.ignore import Rules
from faena.data.index import Index


class Judge:
    """Decides about the entries of one folder; asks the rules only about what was not decided before."""

    def __init__(self, prefix: str, outer: str, rules: Rules, previous: Index) -> None:
        self.rules = rules
        self.outer = outer
        self.left_out: list[str] = []
        key, names = previous.folders.get(prefix, ("", []))
        self.known = key == rules.key
        self.known_out = frozenset(names) if self.known else frozenset()
        self.previous = previous

    def leaves_out(self, name: str, path: str, is_folder: bool) -> bool:
        mark = "/" if is_folder else ""
        marked = path + mark
        if name + mark in self.known_out:
            out = True
        elif self.known and marked in (self.previous.folders if is_folder else self.previous.files):
            out = False
        else:
            out = self.rules.ignores(self.outer + marked)
        if out and is_usable(name):  # the index is UTF-8; what is not is judged each time
            self.left_out.append(name + mark)
        return out


def is_usable(name: str) -> bool:
    if "\\" in name:
        return False
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
