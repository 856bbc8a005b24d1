"""`faena import-mlflow` and `export-mlflow`: what MLflow's stores hold, brought here, and the other way round."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, print_json, workspace
from faena.kernel.plural import counted

if TYPE_CHECKING:
    from faena.client.mlflow_stores.report import Counts, Report

_MOST_SHOWN = 30


@command("import-mlflow")
@click.argument("source")
@click.option(
    "--artifacts",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="A folder in which artifacts are that are not where the store says.",
)
@click.option("--dry-run", is_flag=True, help="Read and compare everything, change nothing.")
@json_option
@click.pass_context
def import_mlflow(
    context: click.Context, source: str, artifacts: Path | None, dry_run: bool, as_json: bool
) -> None:
    """Bring experiments, runs, models, traces and evaluation sets from SOURCE.

    SOURCE is a folder such as mlruns, a database such as sqlite:///mlflow.db, or the address of a server.

    Runs keep their ids; what is here already is compared and stays. Stopped at any point it goes on when it is called
    again. The exit code is 1 where something did not come. See docs/mlflow.md.
    """
    from faena.client.mlflow_stores.importing import import_mlflow as bring

    report = bring(workspace(), source, artifacts=artifacts, dry_run=dry_run, progress=_progress)
    if as_json:
        print_json(report)
    else:
        _show(report)
    if not report.whole:
        context.exit(1)


def _progress(what: str, done: int, of: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == of else ""
        print(f"\r{what}: {done:,} of {of:,}", end=end, file=sys.stderr, flush=True)


def _show(report: Report) -> None:
    came = "would come" if report.only_looked else "came"
    click.echo(f"From {report.source}:")
    for title, counts in (
        ("experiments", report.experiments),
        ("runs", report.runs),
        ("logged models", report.logged_models),
        ("registered models", report.models),
        ("versions", report.versions),
        ("traces", report.traces),
        ("evaluation sets", report.evaluation_sets),
    ):
        if counts.there:
            click.echo(f"  {title}: {_told(counts, came)}")
    compared = "" if report.only_looked else ", each compared with what is here now"
    click.echo(
        f"  {counted(report.points, 'point')} of metrics, {counted(report.files, 'file')}, "
        f"{counted(report.size, 'byte')}{compared}."
    )
    for note in report.notes[:_MOST_SHOWN]:
        click.echo(f"  {note.about}: {note.said}")
    if (more := len(report.notes) - _MOST_SHOWN) > 0:
        click.echo(f"  … and {more:,} more; --json has all of them.")
    for start, count in report.elsewhere.items():
        click.echo(
            f"  Artifacts of {count:,} are at {start}, which is not read. Copy them to a folder, and name it "
            "by --artifacts, or import from a server that has them."
        )
    for place, count in report.missing.items():
        click.echo(
            f"  Artifacts of {count:,} should be in {place or '/'}, which is not there. Name the folder that "
            "has them by --artifacts."
        )
    for what, count in report.without_counterpart.items():
        click.echo(f"  {count:,} {what}: they are not brought.")


def _told(counts: Counts, came: str) -> str:
    parts = [f"{counts.new:,} of {counts.there:,} {came}"]
    for count, said in (
        (counts.grown, "had grown there, and are here as they are there now"),
        (counts.here, "here already, the same"),
        (counts.changed, "here already, and changed since"),
        (counts.taken, "whose id is something else's here"),
        (counts.refused, "that cannot be had"),
    ):
        if count:
            parts.append(f"{count:,} {said}")
    return ", ".join(parts)


@command("export-mlflow")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--experiment", "experiments", multiple=True, help="One to write, by its name; several (default: all)."
)
@json_option
@click.pass_context
def export_mlflow(context: click.Context, folder: Path, experiments: tuple[str, ...], as_json: bool) -> None:
    """Write experiments with runs, models and traces into FOLDER, as MLflow's clients open it.

    Each run is read back and compared. MLflow 3 opens such a folder with MLFLOW_ALLOW_FILE_STORE=true, or takes it by
    its `mlflow migrate-filestore`. The exit code is 1 where something is not there as it is here.
    """
    from faena.client.mlflow_stores.exporting import export_mlflow as write

    report = write(workspace(), folder, experiments=experiments, progress=_progress)
    if as_json:
        print_json(report)
    else:
        counts = (
            counted(report.experiments, "experiment"),
            counted(report.runs, "run"),
            counted(report.logged_models, "logged model"),
            counted(report.models, "registered model"),
            counted(report.versions, "version"),
            counted(report.traces, "trace"),
            counted(report.evaluation_sets, "evaluation set"),
        )
        click.echo(f"{report.folder}: {', '.join(each for each in counts if not each.startswith('0 '))}.")
        click.echo(
            f"{counted(report.points, 'point')} of metrics, {counted(report.files, 'file')}, "
            f"{counted(report.size, 'byte')}; each run was read back and compared."
        )
        for note in report.notes[:_MOST_SHOWN]:
            click.echo(f"  {note.about}: {note.said}")
        if (more := len(report.notes) - _MOST_SHOWN) > 0:
            click.echo(f"  … and {more:,} more; --json has all of them.")
        if report.evaluation_sets:
            click.echo(
                f"  {counted(report.records, 'record')} of evaluation sets are in files beside it: MLflow's clients "
                "open none from a folder. `faena import-mlflow` takes them."
            )
        click.echo(
            f"Open it by `mlflow.set_tracking_uri({str(report.folder)!r})`; "
            "MLflow 3 wants MLFLOW_ALLOW_FILE_STORE=true in the environment."
        )
    if report.notes:
        context.exit(1)


COMMANDS = (import_mlflow, export_mlflow)
