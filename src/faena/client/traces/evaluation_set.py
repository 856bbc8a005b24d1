"""EvaluationSet: questions for an application, and what is expected of its answers."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Self

from faena.client.html import tables
from faena.client.workspaces import links
from faena.client.workspaces.session import Session, checked
from faena.kernel.errors import NotFound, UserErrorException
from faena.kernel.nearest import nearest
from faena.traces.evaluation_sets.schemas import EvaluationSetView, RecordView

_ID = re.compile(r"d-[0-9a-f]{32}")
_MOST_NAMED = 10


class EvaluationSet:
    """An evaluation set of a workspace, by its name or its id, as it was when it was last asked for.

    Raises NotFound, and UserErrorException for a name that several have: that names their ids.
    """

    def __init__(self, workspace: Session, name: str) -> None:
        self.workspace = checked(workspace)
        self._view = _found(self.workspace, name)

    @classmethod
    def of_view(cls, workspace: Session, view: EvaluationSetView) -> Self:
        """The handle of one that was read already."""
        made = cls.__new__(cls)
        made.workspace = workspace
        made._view = view
        return made

    @classmethod
    def list(cls, workspace: Session, experiment: str | None = None) -> builtins.list[Self]:
        """All, or those of an experiment, the latest first. Raises NotFound for an experiment that is not there."""
        session, found = checked(workspace), builtins.list[EvaluationSetView]()
        while True:
            page = session.api.evaluation_sets.page(experiment=experiment, start=len(found))
            found += page.sets
            if not page.sets or len(found) >= page.total:
                return [cls.of_view(session, view) for view in found]

    @property
    def view(self) -> EvaluationSetView:
        """The set as the server described it."""
        return self._view

    @property
    def id(self) -> str:
        return self._view.id

    @property
    def name(self) -> str:
        """Others may have the same."""
        return self._view.name

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._view.tags)

    @property
    def experiment_names(self) -> builtins.list[str]:
        """Those that it is for."""
        return builtins.list(self._view.experiments)

    @property
    def created_time(self) -> datetime:
        return datetime.fromtimestamp(self._view.created_at / 1e6, UTC)

    @property
    def records(self) -> Iterator[RecordView]:
        """As they came, fetched in pages as they are asked for."""
        return self.workspace.api.evaluation_sets.records(self.id)

    def to_pandas_dataframe(self) -> Any:
        """A row for each record: `inputs.…`, `expectations.…`, `outputs` and its id.

        Raises UserErrorException where pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise UserErrorException("pandas is not installed: pip install pandas.") from error
        return pandas.DataFrame([_row(each) for each in self.records])

    def refresh(self) -> EvaluationSetView:
        """The set as the server knows it now."""
        self._view = self.workspace.api.evaluation_sets.get(self.id)
        return self._view

    def delete(self) -> None:
        """Delete it for good, with its records."""
        self.workspace.api.evaluation_sets.delete(self.id)

    def __len__(self) -> int:
        """Its records, when it was last asked for."""
        return self._view.size

    def __bool__(self) -> bool:
        """One without records is one, too."""
        return True

    @tables.for_people
    def _repr_html_(self) -> str:
        """For a notebook's output."""
        view = self._view
        return tables.facts(
            {
                "Evaluation set": view.name,
                "Id": view.id,
                "Records": f"{view.size:,}",
                "Experiments": ", ".join(view.experiments),
                "Made": tables.when(view.created_at),
                "Tags": tables.marks(view.tags),
                "Page": tables.link(links.Pages(self.workspace).address("evaluation-sets", view.id)),
            }
        )

    def __repr__(self) -> str:
        return f"EvaluationSet(name={self.name!r}, id={self.id!r}, records={len(self)})"


def _found(session: Session, name: str) -> EvaluationSetView:
    api = session.api.evaluation_sets
    if isinstance(name, str) and _ID.fullmatch(name):
        return api.get(name)
    if not isinstance(name, str) or not name:
        raise UserErrorException(
            f"{str(name)[:80]!r} is no name of an evaluation set. Use its name or its id."
        )
    named = [each for each in api.page(text=name[:200]).sets if each.name == name]
    if len(named) > 1:
        ids = ", ".join(each.id for each in named[:_MOST_NAMED])
        raise UserErrorException(
            f"{len(named)} evaluation sets are called {name!r}. Use the id of one: {ids}."
        )
    if not named:
        near = nearest(name, [each.name for each in api.page().sets])
        hint = f" There is {' and '.join(map(repr, near))}." if near else ""
        raise NotFound(f"There is no evaluation set {name[:80]!r}.{hint} `faena evaluation-sets` lists them.")
    return named[0]


def _row(record: RecordView) -> dict[str, Any]:
    row = {f"inputs.{name}": value for name, value in record.inputs.items()}
    row |= {f"expectations.{name}": value for name, value in (record.expectations or {}).items()}
    return {**row, "outputs": record.outputs, "id": record.id}
