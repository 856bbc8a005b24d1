"""What an import came to: so many of so many, and what is not as it was."""

from __future__ import annotations

from msgspec import Struct, field

from faena.mlflow.moving.schemas import CHANGED, GROWN, HERE, NEW, REFUSED, TAKEN

OUTCOMES = (NEW, GROWN, HERE, CHANGED, TAKEN, REFUSED)


class Counts(Struct):
    """Of one kind of thing. Of each that was counted as `new`, `grown` or `here` all that it holds was compared."""

    there: int = 0
    """How many the store has."""
    new: int = 0
    grown: int = 0
    """Brought earlier; it had grown there since."""
    here: int = 0
    """Here already, the same."""
    changed: int = 0
    """Brought earlier, and changed here since; it stays as it is here."""
    taken: int = 0
    """Something else here has its id."""
    refused: int = 0
    """It cannot be had: damaged, or nothing that can be kept."""

    def count(self, outcome: str) -> None:
        setattr(self, outcome, getattr(self, outcome) + 1)

    @property
    def whole(self) -> bool:
        return self.there == self.new + self.grown + self.here


class Note(Struct, frozen=True):
    about: str
    """Such as `run 0a1b…`."""
    said: str


class Report(Struct):
    source: str
    only_looked: bool = False
    experiments: Counts = field(default_factory=Counts)
    runs: Counts = field(default_factory=Counts)
    logged_models: Counts = field(default_factory=Counts)
    models: Counts = field(default_factory=Counts)
    versions: Counts = field(default_factory=Counts)
    traces: Counts = field(default_factory=Counts)
    evaluation_sets: Counts = field(default_factory=Counts)
    records: int = 0
    """Of evaluation sets."""
    points: int = 0
    """Of metrics."""
    files: int = 0
    size: int = 0
    """Bytes of these files."""
    notes: list[Note] = field(default_factory=list)
    """What is not here as it was there."""
    elsewhere: dict[str, int] = field(default_factory=dict)
    """How many folders of artifacts are in stores that no folder of this machine is, by their addresses' beginnings."""
    missing: dict[str, int] = field(default_factory=dict)
    """How many folders of artifacts are not there, by where they should be."""
    without_counterpart: dict[str, int] = field(default_factory=dict)

    def note(self, about: str, *said: str) -> None:
        self.notes += [Note(about, each) for each in said]

    @property
    def whole(self) -> bool:
        """Whether all that there is came, or was here: not counting what has no counterpart."""
        counted = (
            *(self.experiments, self.runs, self.logged_models, self.models, self.versions, self.traces),
            self.evaluation_sets,
        )
        return all(each.whole for each in counted) and not self.elsewhere and not self.missing
