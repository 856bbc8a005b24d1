"""Other runs of the workspace, asked about through the run that this process belongs to."""

from __future__ import annotations

from faena.script import values
from faena.script.charted import ChartedRun
from faena.script.known import ANSWER_S, KnownRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator


class OtherRun(ChartedRun):
    """Another run of the workspace, by its id, asked through the one that this process belongs to."""

    __slots__ = ("_through",)

    def __init__(self, run_id: str, through: KnownRun) -> None:
        super().__init__(run_id)
        self._through = through

    def _ask(self, verb: str, arguments: dict[str, Any], timeout: float = ANSWER_S) -> Any:
        return self._through._ask(verb, dict(arguments, run_id=self.id), timeout)

    def _record(self, name: str, value: str) -> None:
        self._ask("log_value", {"name": name, "value": value})

    @property
    def type(self) -> str:
        return str(self._known()["type"])

    def __repr__(self) -> str:
        return "Run(Id: {})".format(self.id)


def listed(
    asked: KnownRun,
    experiment: str,
    type: str | None,  # noqa: A002  v1's word
    tags: Any,
    properties: Any,
    status: str | None,
    include_children: bool,
) -> Iterator[OtherRun]:
    """Runs of an experiment, newest first, in pages."""
    wanted: dict[str, Any] = {
        "experiment": experiment,
        "type": type,
        "tags": values.wanted_marks(tags, "tags"),
        "properties": values.wanted_marks(properties, "properties"),
        "status": status,
        "include_children": include_children,
    }
    while True:
        page = asked._ask("list_runs", wanted)
        for row in page["runs"]:
            yield OtherRun(row["id"], asked)
        if page["next"] is None:
            return
        wanted["after"] = page["next"]
