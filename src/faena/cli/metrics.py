"""`faena metrics` and `faena plot`: what a run logged, as numbers, files and charts."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import rich_click as click

from faena.cli import streams
from faena.cli.command import command
from faena.cli.common import json_option, print_json
from faena.cli.common import workspace as open_workspace
from faena.cli.layout import coloured, print_error
from faena.cli.naming import get_run, run_argument
from faena.kernel.nearest import nearest

_path = click.Path(path_type=Path)


@command()
@run_argument()
@click.option("--system", is_flag=True, help="CPU, memory and GPU instead of what the script logged.")
@click.option("--name", "names", multiple=True, help="This metric only; may be repeated.")
@click.option("--attempt", type=click.IntRange(min=1), help="Of this attempt (default: the latest one's).")
@click.option("--csv", "csv_file", type=_path, help="Write all numbers to this file, with steps and times.")
@click.option("--parquet", "parquet_file", type=_path, help="The same as Parquet.")
@click.option("--tensorboard", type=_path, help="Write event files for TensorBoard into this folder.")
@json_option
def metrics(
    run_id: str,
    system: bool,
    names: tuple[str, ...],
    attempt: int | None,
    csv_file: Path | None,
    parquet_file: Path | None,
    tensorboard: Path | None,
    as_json: bool,
) -> None:
    """Print the metrics of RUN, or write them to files."""
    run = get_run(run_id)
    targets = [target for target in (csv_file, parquet_file, tensorboard) if target is not None]
    if attempt is not None and (system or targets):
        raise click.BadParameter("of an attempt what the script logged is printed.", param_hint="--attempt")
    for option, target, suffix in (("--csv", csv_file, ".csv"), ("--parquet", parquet_file, ".parquet")):
        if target is not None and target.suffix.lower() != suffix:
            raise click.BadParameter(f"{target.name!r} does not end in {suffix}.", param_hint=option)
    for target in targets:
        run.export_metrics(target, *names)
        click.echo(f"Written to {target}.", err=True)
    if targets:
        return
    if attempt is not None:
        found = run.experiment.workspace.api.questions.ask("get_metrics", run.id, {"attempt": attempt}, 120)
    else:
        found = run.get_system_metrics() if system else run.get_metrics()
    missing = [name for name in names if name not in found]
    for name in missing:
        near = nearest(name, found)
        hint = f" There is {', '.join(near)}." if near else ""
        print_error(f"{run.id} has no metric {name!r}.{hint}")
    found = {name: value for name, value in found.items() if not names or name in names}
    if as_json:
        print_json(found)
        return
    from faena.cli import tables

    if found or not missing:
        tables.metrics(found, over=run.experiment.workspace.api.run(run.id).ended_at is not None)


@command()
@run_argument("run_ids", metavar="RUN...", nargs=-1, required=True)
@click.option(
    "--metric", "names", multiple=True, help="This metric; may be repeated (default: all with numbers)."
)
@click.option("--axis", type=click.Choice(["step", "time", "index"]), default="step", show_default=True)
@click.option("--width", type=click.IntRange(20, 1000), help="Columns (default: the terminal's).")
@click.option("--height", type=click.IntRange(5, 200), default=18, show_default=True, help="Lines.")
@click.option(
    "--html", type=_path, help="Write a page with the charts instead; needs Plotly (faena[charts])."
)
def plot(
    run_ids: tuple[str, ...],
    names: tuple[str, ...],
    axis: str,
    width: int | None,
    height: int,
    html: Path | None,
) -> None:
    """Draw metrics of RUNs in the terminal, several runs over one another."""
    from faena.client.metrics import plots

    workspace = open_workspace()
    runs = [get_run(run_id, workspace) for run_id in run_ids]
    columns = width or min(shutil.get_terminal_size().columns, 200)
    drawn = plots.curves(runs, names, axis, pixels=1000 if html else columns * 2)
    if html:
        plots.figure(drawn).write_html(html, include_plotlyjs=True)
    elif drawn:
        click.echo(plots.drawing(drawn, columns, height, coloured=coloured(), plain=not streams.has("─⠿")))
    else:
        over = all(workspace.api.run(run.id).ended_at is not None for run in runs)
        click.echo("No numbers to draw." if over else "No numbers to draw yet.", err=True)
        if over:
            sys.exit(1)


COMMANDS = (metrics, plot)
