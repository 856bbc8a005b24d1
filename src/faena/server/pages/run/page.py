"""What the page of a run shows: values for its templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup
from msgspec import Struct

from faena.db import Read
from faena.environments import store as locks
from faena.environments.model import Lock
from faena.kernel.clock import Micros
from faena.kernel.plural import counted
from faena.objects.contract import ObjectFiles
from faena.runs.current_files import Current
from faena.runs.record_store import list_parameters
from faena.runs.schemas import RunView
from faena.server.pages import words
from faena.server.pages.previews import logged
from faena.server.pages.rendering import file_address, run_address, with_query
from faena.server.pages.run import comments as run_comments
from faena.server.pages.run import family as run_family
from faena.server.pages.run import log as run_log
from faena.server.pages.run import notes
from faena.server.pages.run import top as run_top
from faena.server.pages.run.top import RunTop
from faena.server.pages.traces import list as trace_list
from faena.server.pages.words import size
from faena.tracking import files as run_files
from faena.tracking import query
from faena.tracking.model import SCRIPT, SYSTEM

_FIRST_CURVES = 200
"""Names of metrics that the page itself has; it is made again and again while a run goes on."""
_MOST_FILES = 300
_MOST_TRACES = 5


class File(Struct, frozen=True):
    name: str
    size: int
    address: str
    preview: str
    """Address of the page that shows it."""
    is_live: bool
    """As it is now; not kept yet."""


class Attempt(Struct, frozen=True):
    """One of several tries."""

    number: int
    ended: str
    went_on_from: str
    checkpoint: str
    page: str
    """Address of the page with its log and metrics."""


class Curves(Struct, frozen=True):
    names: list[str]
    """The first of them."""
    more: str
    """Where all are, when these are not."""


class RunPage(Struct, frozen=True):
    top: RunTop
    note: Markup
    """The run's description, as HTML that runs nothing; empty where it has none."""
    comments: run_comments.Comments
    act: str
    """Where the forms of the page begin; the name of an action follows."""
    log: run_log.Log
    curves: Curves
    """Metrics that are numbers."""
    system: Curves
    """What was measured beside the script."""
    logged: list[logged.Logged]
    """Metrics that are not numbers."""
    more_logged: str
    """Address of those that are too many for this page; empty where there are none."""
    traces: trace_list.Shown
    """The latest of those that were made in it, or put to it."""
    parameters: dict[str, str]
    files: list[File]
    more_files: int
    untold_files: str
    """Why there may be more."""
    children: run_family.Children
    lineage: run_family.Lineage
    packages: list[str]
    attempts: list[Attempt]
    facts: list[tuple[str, str]]


def build(read: Read, objects: ObjectFiles, run_id: str, log: str, now: Micros, live: Current) -> RunPage:
    """`log`: the name of the one to show; empty: the one that says most. `live`: files as they are now.

    Raises NotFound.
    """
    top = run_top.build(read, run_id, now)
    run = top.run
    files, logs = run_files.files(read, run_id), query.logs(read, run_id)
    others = query.others(read, run_id)
    lock = locks.get(read, run.lock) if run.lock else None
    named = {each.name: each.size for each in files} | {each.name: each.size for each in logs}
    named |= live.sizes
    listed = [
        File(
            name, size, file_address(run_id, name), file_address(run_id, name, "preview"), name in live.files
        )
        for name, size in sorted(named.items())
    ]
    return RunPage(
        top=top,
        note=notes.rendered(run.description) if run.description else Markup(),
        comments=run_comments.build(read, run_id),
        act=f"{run_address(run_id)}/do",
        log=run_log.build(read, objects, run_id, log, logs),
        curves=_curves(read, run_id, SCRIPT),
        system=_curves(read, run_id, SYSTEM),
        logged=logged.build(read, objects, run_id, others),
        more_logged=f"{run_address(run_id)}/logged?from={logged.MOST}" if len(others) > logged.MOST else "",
        traces=trace_list.of_run(read, run_id, _MOST_TRACES),
        parameters=list_parameters(read, [run_id]).get(run_id, {}),
        files=listed[:_MOST_FILES],
        more_files=max(0, len(listed) - _MOST_FILES),
        untold_files=live.untold,
        children=run_family.of_page(read, run),
        lineage=run_family.lineage(read, run),
        packages=_packages(lock),
        attempts=_attempts(run),
        facts=_facts(run, lock),
    )


def _curves(read: Read, run_id: str, source: str) -> Curves:
    names = query.number_names(read, run_id, source, _FIRST_CURVES + 1)
    more = with_query(f"{run_address(run_id)}/curve-names", {"source": source})
    return Curves(names[:_FIRST_CURVES], more if len(names) > _FIRST_CURVES else "")


def _attempts(run: RunView) -> list[Attempt]:
    return [
        Attempt(
            each.number,
            each.ended or "goes on",
            each.went_on_from(run.checkpoint),
            ""
            if each.checkpoint is None
            else f"{counted(each.checkpoint.files, 'file')}, {size(each.checkpoint.size)}",
            with_query(f"{run_address(run.id)}/log", {"attempt": str(each.number)}),
        )
        for each in run.attempts
    ]


def _packages(lock: Lock | None) -> list[str]:
    """Exact versions of what the run's environment holds, without their hashes."""
    lines = lock.requirements.splitlines() if lock else []
    pinned = [line.strip(" \\") for line in lines if line[:1] not in ("", " ", "#", "-")]
    brought = [f"{each.name} @ {each.given or each.filename}" for each in lock.archives] if lock else []
    return brought + [line.partition(" --hash")[0].strip() for line in pinned]


def _facts(run: RunView, lock: Lock | None) -> list[tuple[str, str]]:
    git: Mapping[str, Any] = run.git or {}
    facts = {
        "Run": run.id,
        "Experiment": run.experiment,
        "Command": words.unbroken(run.command),
        "Parameters": ", ".join(f"{name}: {value}" for name, value in run.parameters.items()),
        "Ran on": run.place,
        "Nodes": str(run.node_count) if run.node_count > 1 else "",
        "Processes": "" if run.distributed is None else run.distributed.told(),
        "Attempt": str(run.attempt) if run.attempt > 1 else "",
        "Started from": run.checkpoint.run if run.checkpoint is not None else "",
        "User": run.user,
        "Environment": run.environment,
        "Packages as of": run.told_as_of,
        "Variables": ", ".join(f"{name}={value}" for name, value in run.environment_variables.items()),
        "Python": f"{lock.interpreter.implementation} {lock.interpreter.version}".strip() if lock else "",
        "Lock": (run.lock or "")[:12],
        "Source": run.snapshot[:12],
        "Commit": f"{git['commit']}"[:12] + (", with changes" if git.get("dirty") else "")
        if git.get("commit")
        else "",
        "Branch": str(git.get("branch") or ""),
        "Repository": str(git.get("remote") or ""),
    }
    return [(name, value) for name, value in facts.items() if value]
