"""Trace: how an application answered one request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Self, cast

from faena.client.html import tables
from faena.client.traces.span import Span
from faena.client.workspaces import links
from faena.client.workspaces.session import Session, checked, user
from faena.script.values import marks
from faena.traces.schemas import AssessmentGiven, AssessmentView, TraceChange, TraceView

if TYPE_CHECKING:
    from faena.client.workspaces.session import RunLookup


class Trace:
    """A trace of a workspace, by its id, as it was when it was last asked for. Raises NotFound."""

    def __init__(self, workspace: Session, trace_id: str) -> None:
        self.workspace = checked(workspace)
        self._view = self.workspace.api.traces.get(trace_id)

    @classmethod
    def of_view(cls, workspace: Session, view: TraceView) -> Self:
        """The handle of a trace that was read already."""
        trace = cls.__new__(cls)
        trace.workspace = workspace
        trace._view = view
        return trace

    @classmethod
    def list(
        cls,
        workspace: Session,
        experiment: str | None = None,
        run: str | None = None,
        status: str | None = None,
        text: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Self]:
        """The latest first, fetched in pages as they are asked for; what is None does not filter.

        `experiment`: its name. `run`: the id of the run in which they were made, or to which they were put.
        `status`: `ok`, `failed` or `in progress`. `text`: in their names, or in the beginnings of what was asked and
        answered. `limit`: so many at most.
        Raises NotFound for an experiment that is not there, UserErrorException for another status.
        """
        session = checked(workspace)
        wanted = {"experiment": experiment, "run": run, "status": status, "text": text}
        for view in session.api.traces.listed(limit, **wanted):
            yield cls.of_view(session, view)

    @property
    def view(self) -> TraceView:
        """The trace as the server described it."""
        return self._view

    @property
    def id(self) -> str:
        return self._view.id

    @property
    def name(self) -> str:
        """Empty where nobody gave it one."""
        return self._view.name

    @property
    def status(self) -> str:
        """`in progress`, `ok` or `failed`."""
        return self._view.status

    @property
    def experiment_name(self) -> str:
        return self._view.experiment

    @property
    def run_id(self) -> str | None:
        """The run in which it was made; None for none."""
        return self._view.run_id

    @property
    def run(self) -> Any:
        """The run in which it was made; None for none. Raises NotFound where that is deleted."""
        if self._view.run_id is None:
            return None
        return cast("RunLookup", self.workspace).get_run(self._view.run_id)

    @property
    def started_time(self) -> datetime:
        return datetime.fromtimestamp(self._view.began_at / 1e6, UTC)

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it goes on."""
        ended = self._view.ended_at
        return None if ended is None else (ended - self._view.began_at) / 1e6

    @property
    def request(self) -> str | None:
        """The beginning of what was asked; `spans[0].inputs` is all of it."""
        return self._view.request

    @property
    def response(self) -> str | None:
        """The beginning of what was answered; `spans[0].outputs` is all of it."""
        return self._view.response

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._view.tags)

    @property
    def metadata(self) -> dict[str, str]:
        """What its application told of it besides; it does not change."""
        return dict(self._view.metadata)

    @property
    def assessments(self) -> Iterable[AssessmentView]:
        """What people, programs and models said of it, the first ones first."""
        return tuple(self._view.assessments)

    @property
    def spans(self) -> Iterable[Span]:
        """All its steps as a tree is read: each before those below it; see `Span.depth` and `Span.children`."""
        return self.get_spans()

    def get_spans(self, limit: int | None = None) -> tuple[Span, ...]:
        """The same, so many at most. Asked anew each time."""
        api = self.workspace.api.traces
        views, _ = api.spans(self.id, limit)
        found = {view.id: Span(view, partial(api.span, self.id, view.id)) for view in views}
        for span in found.values():
            if span.depth and span.parent_id in found:
                found[span.parent_id].children.append(span)
        return tuple(found.values())

    def refresh(self) -> TraceView:
        """The trace as the server knows it now."""
        self._view = self.workspace.api.traces.get(self.id)
        return self._view

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set several tags, or change them."""
        self._view = self.workspace.api.traces.change(self.id, TraceChange(add_tags=marks(tags, "tag")))

    def remove_tags(self, tags: str | Iterable[str]) -> None:
        """Remove the tags of these keys; silent about those that are not there."""
        keys = (tags,) if isinstance(tags, str) else tuple(str(key) for key in tags)
        self._view = self.workspace.api.traces.change(self.id, TraceChange(remove_tags=keys))

    def add_feedback(
        self, name: str, value: Any, rationale: str | None = None, *, span_id: str | None = None
    ) -> AssessmentView:
        """Say how good it was. `value`: anything that JSON has. `span_id`: of a step, where it is about that one."""
        return self._assess(name, value, "feedback", rationale, span_id)

    def add_expectation(self, name: str, value: Any, rationale: str | None = None) -> AssessmentView:
        """Say what it should have been."""
        return self._assess(name, value, "expectation", rationale, None)

    def _assess(
        self, name: str, value: Any, kind: str, rationale: str | None, span_id: str | None
    ) -> AssessmentView:
        given = AssessmentGiven(name, value, kind, rationale, source_id=user(), span_id=span_id)
        made = self.workspace.api.traces.assess(self.id, given)
        self.refresh()
        return made

    def remove_assessment(self, assessment_id: str) -> None:
        """Take back what was said; silent when it was before."""
        self.workspace.api.traces.remove_assessment(self.id, assessment_id)
        self.refresh()

    def delete(self) -> None:
        """Delete it for good, with its steps and what was said of it."""
        self.workspace.api.traces.delete(self.id)

    @tables.for_people
    def _repr_html_(self) -> str:
        """For a notebook's output."""
        view = self._view
        return tables.facts(
            {
                "Trace": view.id,
                "Name": view.name,
                "Status": view.status,
                "Began": tables.when(view.began_at),
                "Took": "" if view.ended_at is None else tables.took(view.ended_at - view.began_at),
                "Asked": view.request,
                "Answered": view.response,
                "Said of it": ", ".join(f"{each.name}: {each.value}" for each in view.assessments),
                "Page": tables.link(links.Pages(self.workspace).address("traces", view.id)),
            }
        )

    def __repr__(self) -> str:
        return f"Trace(id={self.id!r}, name={self.name!r}, status={self.status!r})"
