"""`faena sweep FILE|SCRIPT`: begin a sweep and follow it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click
from click import core
from click import globals as current

from faena.cli.command import Unreadable
from faena.cli.common import experiment_name_of, print_json, tags_of, told_on_stderr
from faena.cli.common import workspace as open_workspace
from faena.cli.naming import id_of
from faena.cli.outcome import exit_code
from faena.cli.script_options import ScriptOptions, estimator
from faena.cli.sweeps.asked import SweepOptions
from faena.cli.sweeps.configuration import check, config_of
from faena.cli.warned import warned
from faena.kernel.errors import UserErrorException

if TYPE_CHECKING:
    from faena.cli.sweeps.reading import Described
    from faena.client.api import ServerApi

_FIRST = 1000
"""Trials of which the first that failed is named."""
_LOOKED_THROUGH = 1000
"""Files of a folder, for those with a name like the one that is not there."""


def start(
    given: str,
    arguments: tuple[str, ...],
    options: ScriptOptions,
    sweep: SweepOptions,
    commands: tuple[str, ...],
    follow: bool | None,
    *,
    as_json: bool,
) -> None:
    """`commands`: those that `faena sweep` has, for somebody who has misspelled one."""
    from faena.client.runs.experiment import Experiment

    file = _file(given)
    if file is not None:
        given, arguments, options, sweep = _with(file, arguments, options, sweep)
    with _of_file(file):
        _look_for(given, options, commands)
        check(sweep)
    workspace = open_workspace()
    described = estimator(workspace, given, arguments, options)
    with _of_file(file):
        config = config_of(workspace, described, sweep)
    with told_on_stderr(), warned():
        run = Experiment(workspace, options.experiment or experiment_name_of(options.source)).submit(
            config,
            tags=tags_of(options.tags),
            name=options.name,
            parent=None if options.parent is None else id_of(workspace.api, options.parent),
        )
    answer(workspace.api, run.id, follow=follow, as_json=as_json)


def answer(api: ServerApi, sweep_id: str, *, follow: bool | None, as_json: bool) -> None:
    """As of a run that was submitted: followed unless told otherwise or JSON is wanted; then the exit code is its."""
    if not (follow if follow is not None else not as_json):
        print_json(api.sweeps.get(sweep_id)) if as_json else click.echo(sweep_id)
        return
    if not as_json:
        sys.exit(follow_sweep(api, sweep_id))
    with told_on_stderr():
        code = follow_sweep(api, sweep_id)
    print_json(api.sweeps.get(sweep_id))
    sys.exit(code)


def follow_sweep(api: ServerApi, sweep_id: str) -> int:
    """The exit code that says how it ended."""
    from faena.cli.layout import print_prose
    from faena.cli.sweeps.following import difference, follow, summary

    run = follow(api, sweep_id)
    for line in summary(api.sweeps.get(sweep_id), run):
        print_prose(line)
    for line in difference(list(api.sweeps.trials(sweep_id, best_first=True, limit=2))):
        click.echo(line)
    if failed := next(
        (each for each in api.sweeps.trials(sweep_id, limit=_FIRST) if each.status == "Failed"), None
    ):
        click.echo(f"Why trial {failed.number} failed: faena show {failed.run_id}")
    return exit_code(run)


def _file(given: str) -> Described | None:
    """The description that is given, None for a script."""
    from faena.cli.sweeps import reading

    path = Path(given)
    if path.suffix.lower() not in reading.SUFFIXES:
        return None
    if not path.is_file():
        raise Unreadable(f"There is no file {given!r}.{_near(path.parent, path.name)}")
    try:
        return reading.read(path)
    except UserErrorException as error:
        raise Unreadable(error.message) from None


@contextmanager
def _of_file(file: Described | None) -> Iterator[None]:
    """What is wrong with a field that a file has is told with its line."""
    try:
        yield
    except Unreadable as error:
        if file is None or error.field not in file.values:
            raise
        said = error.message.replace(f"--{error.field.replace('_', '-')} is ", "it is ", 1)
        raise Unreadable(f"{file.where(error.field)}: {said}") from None


def _with(
    file: Described, arguments: tuple[str, ...], options: ScriptOptions, sweep: SweepOptions
) -> tuple[str, tuple[str, ...], ScriptOptions, SweepOptions]:
    """What a file describes, of which what stands on the command line wins."""
    ctx = current.get_current_context()
    further = {
        name: value
        for name, value in file.values.items()
        if ctx.get_parameter_source(name) is not core.ParameterSource.COMMANDLINE
    }
    further["space"] = _together(file.values["space"], sweep.space)
    return (
        str(file.values["script"]),
        arguments or tuple(file.values.get("arguments", ())),
        replace(options, **_of(ScriptOptions, further)),
        replace(sweep, **_of(SweepOptions, further)),
    )


def _of(kind: Any, values: dict[str, Any]) -> dict[str, Any]:
    names = {each.name for each in fields(kind)}
    return {name: value for name, value in values.items() if name in names}


def _together(of_file: dict[str, Any], of_line: dict[str, Any]) -> dict[str, Any]:
    instead = {name.lstrip("-") for name in of_line}
    return {name: each for name, each in of_file.items() if name.lstrip("-") not in instead} | of_line


def _look_for(script: str, options: ScriptOptions, commands: tuple[str, ...]) -> None:
    """Refuse a script that is not there: a sweep of trials that cannot start helps nobody."""
    if not options.source.is_dir():
        raise Unreadable(
            f"There is no folder {str(options.source)!r}. Name the script's folder with --source.", "source"
        )
    if options.module or (options.source / script).is_file():
        return
    if script in commands:
        raise Unreadable(f"`faena sweep {script}` takes its options behind its name: faena sweep {script} …")
    near = get_close_matches(script, commands, cutoff=0.7)
    hint = f" Did you mean `faena sweep {near[0]}`?" if near else _near(options.source, script)
    where = "" if str(options.source) == "." else f" in {options.source}"
    raise Unreadable(f"There is no script {script!r}{where}.{hint}", "script")


def _near(folder: Path, name: str) -> str:
    from faena.kernel.nearest import nearest

    try:
        there = [each.name for each in islice(folder.iterdir(), _LOOKED_THROUGH) if each.is_file()]
    except OSError:
        return " Name a file of the source folder, or a sweep's description in YAML."
    suffix = Path(name).suffix
    near = nearest(name, [each for each in there if not suffix or each.endswith(suffix)])
    if near:
        return f" Did you mean {' or '.join(near)}?"
    return " Name a file of the source folder, or a sweep's description in YAML."
