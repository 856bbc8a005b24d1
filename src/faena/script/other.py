"""Other runs of the workspace, asked about through the run that this process belongs to."""

from __future__ import annotations

from faena.script import values
from faena.script.charted import ChartedRun
from faena.script.family import FamilyRun, Root, listed_rows
from faena.script.known import ANSWER_S
from faena.script.registering import RegisteringRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping, Sequence

    from faena.script.handles import Experiment


class OtherRun(RegisteringRun, ChartedRun):
    """Another run of the workspace, by its id, asked through the one that this process belongs to."""

    __slots__ = ("_through", "experiment")

    def __init__(self, run_id: str, through: Root, experiment: Experiment) -> None:
        super().__init__(run_id)
        self._through = through
        self.experiment = experiment

    def _ask(self, verb: str, arguments: dict[str, Any], timeout: float = ANSWER_S) -> Any:
        return self._through._ask(verb, dict(arguments, run_id=self.id), timeout)

    def _record(self, name: str, value: str) -> None:
        self._ask("log_value", {"name": name, "value": value})

    def _other(self, row: Mapping[str, Any]) -> OtherRun:
        return OtherRun(str(row["id"]), self._through, self.experiment)

    def _start(self, children: Sequence[dict[str, Any]]) -> Sequence[FamilyRun]:
        return self._through.start_below(self.id, children)

    @property
    def type(self) -> str:
        return str(self._known()["type"])

    def __repr__(self) -> str:
        return "Run(Experiment: {},\nId: {})".format(self.experiment.name, self.id)


def listed(
    asked: Root,
    experiment: Experiment,
    type: str | None,  # noqa: A002  v1's word
    tags: Any,
    properties: Any,
    status: str | None,
    include_children: bool,
) -> Iterator[OtherRun]:
    """Runs of an experiment, newest first, in pages."""
    wanted: dict[str, Any] = {
        "experiment": experiment.name,
        "type": type,
        "tags": values.wanted_marks(tags, "tags"),
        "properties": values.wanted_marks(properties, "properties"),
        "status": status,
        "include_children": include_children,
    }
    return (OtherRun(str(row["id"]), asked, experiment) for row in listed_rows(asked._ask, wanted))
