"""The command by which a machine becomes a node of a workspace on another one."""

from __future__ import annotations

import os
import sys

import rich_click as click

from faena.cli.command import command


@command()
@click.argument("url")
@click.option(
    "--token",
    help="As `faena node token CLUSTER` prints it. Every user of this machine can read it here: FAENA_TOKEN, or a file "
    "that FAENA_TOKEN_FILE names, tells it to nobody. Not needed again once the machine has joined.",
)
@click.option("--name", help="Of this machine among the workspace's (default: its host name).")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="Shown with it; repeatable.")
@click.option(
    "--cores", type=click.IntRange(1), help="That scripts may use (default: those of this machine)."
)
@click.option(
    "--gpus",
    help="That scripts may use: `none`, or indexes or UUIDs with commas (default: all that there are).",
)
@click.option(
    "--address",
    default="",
    help="At which other nodes of a run reach this machine (default: as the server sees it).",
)
@click.option("--once", is_flag=True, help="Leave after one run, and be forgotten.")
@click.option(
    "--temporary",
    is_flag=True,
    help="Be forgotten on leaving: for jobs of a batch system, whose names do not come back.",
)
def join(
    url: str,
    token: str | None,
    name: str | None,
    labels: tuple[str, ...],
    cores: int | None,
    gpus: str | None,
    address: str,
    once: bool,
    temporary: bool,
) -> None:
    """Have this machine be a node of the workspace whose server is at URL, until SIGTERM or Ctrl-C.

    Its script gets its grace then, and is brought to the server.
    """
    from faena.compute.cores import machine_cores
    from faena.compute.gpus import given_gpus, gpu_ids
    from faena.kernel.discovery import child_environment

    if name == "":
        raise click.BadParameter(
            "it is empty. Leave it out for this machine's host name.", param_hint="--name"
        )
    words = [url, f"--name={name or ''}", "--cores", str(cores or machine_cores()), f"--address={address}"]
    words += [f"--label={label}" for label in labels]
    words += [f"--gpus={','.join(gpu_ids() if gpus is None else given_gpus(gpus))}"]
    words += ["--once"] * once + ["--temporary"] * temporary
    environment = child_environment()
    if token:
        environment["FAENA_TOKEN"] = token
        environment.pop("FAENA_TOKEN_FILE", None)
    sys.stdout.flush()
    # in this process's place: signals reach the runner, which needs none of what a command has loaded
    os.execve(sys.executable, [sys.executable, "-P", "-m", "faena.node.join", *words], environment)
