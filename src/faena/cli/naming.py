"""How a command line names a run: by its id, by a beginning that no other has, or as the last one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import rich_click as click
from click import core

from faena.cli.command import WORKSPACE
from faena.cli.common import find_workspace, from_environment, workspace
from faena.kernel.errors import FaenaError, NotFound, UserErrorException

if TYPE_CHECKING:
    from faena.client.api import ServerApi
    from faena.client.runs.run import Run
    from faena.client.workspace import Workspace
    from faena.runs.schemas import RunView

HYPERDRIVE = "hyperdrive"
"""The type of a sweep's run."""
LAST = "@last"
_SHOWN = 10
_COMPLETED = 50
_PATIENCE = 3.0
"""Seconds that whoever presses the tab key waits for a server that must be started first."""


def run_argument(name: str = "run_id", **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """RUN on a command line, which a shell completes."""
    options.setdefault("metavar", "RUN")
    return click.argument(name, shell_complete=_completed, **options)


def sweep_argument(name: str = "sweep_id") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """SWEEP on a command line, which a shell completes."""
    return click.argument(name, shell_complete=complete_sweeps, metavar="SWEEP")


def get_run(given: str, current: Workspace | None = None) -> Run:
    """The handle of the run that is meant. Raises as `view_of`."""
    from faena.client.runs.experiment import Experiment
    from faena.client.runs.run import Run

    current = current or workspace()
    view = view_of(current.api, given)
    return Run(Experiment(current, view.experiment), view.id, view)


def view_of(api: ServerApi, given: str) -> RunView:
    """The run that is meant: an id, a beginning of one, `@last`, or `@last:EXPERIMENT`.

    Raises NotFound, and UserErrorException naming the runs that a beginning could mean.
    """
    if given == LAST or given.startswith(f"{LAST}:"):
        return api.run(_last(api, given[len(LAST) + 1 :]))
    try:
        return api.run(given)
    except NotFound as error:
        if "was deleted" in error.message:
            raise
        return api.run(_beginning_with(api, given, error))


def id_of(api: ServerApi, given: str) -> str:
    return view_of(api, given).id


def sweep_of(api: ServerApi, given: str) -> str:
    """The id of the sweep that is meant, as `view_of`; `@last` is the newest one.

    Raises NotFound, and UserErrorException for a run that is none.
    """
    if given == LAST or given.startswith(f"{LAST}:"):
        return _last(api, given[len(LAST) + 1 :], HYPERDRIVE)
    view = view_of(api, given)
    if view.type != HYPERDRIVE:
        of = f" It is a run of {view.parent}." if view.parent else ""
        raise UserErrorException(f"Run {view.id} is no sweep.{of} `faena show {view.id}` shows it.")
    return view.id


def _last(api: ServerApi, experiment: str, kind: str | None = None) -> str:
    """The newest run that no other run started; `kind`: of this type, whoever started it."""
    page = api.listed(experiment=experiment or None, include_children=kind is not None, type=kind, limit=1)
    row = next(page, None)
    if row is None:
        of = f" of experiment {experiment!r}" if experiment else ""
        what, how = ("sweep", "sweep") if kind else ("run", "submit")
        raise NotFound(f"There is no {what}{of} yet that {LAST} could mean. Submit one with `faena {how}`.")
    return row.id


def _beginning_with(api: ServerApi, given: str, missing: NotFound) -> str:
    from itertools import islice

    page = api.listed(prefix=given, archived=True, limit=_SHOWN + 1)
    found = [row.id for row in islice(page, _SHOWN + 1)]
    if not found:
        raise missing
    if len(found) > 1 and (sweep := _sweep_with_trials(api, given, found)):
        return sweep
    if len(found) > 1:
        more = " and more" if len(found) > _SHOWN else ""
        raise UserErrorException(
            f"{given!r} could mean {', '.join(found[:_SHOWN])}{more}. Give more of the id."
        )
    return found[0]


def _sweep_with_trials(api: ServerApi, given: str, found: list[str]) -> str | None:
    """The one sweep that a beginning means, all others of that beginning being its trials: their ids begin with its."""
    from itertools import islice

    page = api.listed(prefix=given, archived=True, include_children=False, limit=2)
    above = list(islice(page, 2))
    if len(above) != 1 or above[0].type != HYPERDRIVE:
        return None
    sweep = above[0].id
    return sweep if all(each == sweep or each.startswith(f"{sweep}_") for each in found) else None


def _completed(ctx: core.Context, _: core.Parameter, incomplete: str) -> list[str]:
    return _ids(ctx, incomplete)


def complete_sweeps(ctx: core.Context, _: core.Parameter, incomplete: str) -> list[str]:
    return _ids(ctx, incomplete, type=HYPERDRIVE)


def _ids(ctx: core.Context, incomplete: str, **filters: Any) -> list[str]:
    """Ids for the shell, the newest first; none where that takes long or is refused: nobody asked for an error."""
    from faena.client.workspaces.opened import OpenedWorkspace
    from faena.kernel.run_requests import RunRequests
    from faena.kernel.transport import Transport

    try:
        current = find_workspace(OpenedWorkspace, ctx.meta.get(WORKSPACE) or from_environment())
        requests = RunRequests(Transport(current.files.path, patience=_PATIENCE))
        wanted: dict[str, Any] = {"archived": True, "limit": _COMPLETED, **filters}
        if incomplete and not incomplete.startswith("@"):
            wanted["prefix"] = incomplete
        found = [row["id"] for row in requests.ask("list_runs", "", wanted, _PATIENCE)["runs"]]
    except (FaenaError, OSError):
        return []
    return [each for each in (LAST, *found) if each.startswith(incomplete)]
