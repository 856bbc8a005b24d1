"""A comparison of two runs, as `Run.compare` gives it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from faena.client.comparison import text
from faena.comparison.model import Section


class RunComparison(Struct, frozen=True):
    """What differs between two runs, section by section. `str` shows it."""

    left: str
    """Id of the run that is compared."""
    right: str
    """Id of the run that it is compared with."""
    sections: tuple[Section, ...]

    def __getitem__(self, name: str) -> Section:
        """A section by its name. Raises KeyError for one that was not compared."""
        for section in self.sections:
            if section.name == name:
                return section
        raise KeyError(name)

    def __iter__(self) -> Iterator[Section]:
        return iter(self.sections)

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return any(self.sections)

    def __str__(self) -> str:
        return self.shown()

    def shown(self, width: int | None = text.WIDTH, *, whole: bool = False) -> str:
        """For people: at most `width` columns (None: however many), broken between words only where `whole`."""
        return text.shown(self.left, self.right, self.sections, width, whole=whole)
