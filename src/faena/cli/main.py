"""The `faena` command. Each of its commands is read when it is asked for, and imports handles when it runs."""

from __future__ import annotations

import rich_click as click

from faena.cli.command import Program

_PANELS = {
    "Work": {
        "init": "init",
        "submit": "submit",
        "rerun": "rerun",
        "resume": "rerun",
        "sweep": "sweeps.commands",
        "wait": "wait",
        "cancel": "runs",
        "clusters": "clusters",
        "cluster": "clusters",
        "queue": "queue",
        "nodes": "nodes",
        "node": "nodes",
        "env": "env",
    },
    "Look": {
        "runs": "runs",
        "show": "runs",
        "logs": "files",
        "metrics": "metrics",
        "plot": "metrics",
        "tensorboard": "tensorboard",
        "traces": "traces",
        "trace": "traces",
        "evaluation-sets": "evaluation_sets",
        "evaluation-set": "evaluation_sets",
        "diff": "compare",
        "ui": "ui",
        "lab": "lab",
        "kernel": "kernel",
        "mlflow": "mlflow",
    },
    "Files and models": {
        "files": "files",
        "download": "files",
        "source": "files",
        "register": "models",
        "models": "models",
        "show-model": "models",
        "alias-model": "models",
        "stage-model": "models",
    },
    "Serve": {
        "deploy": "endpoints.deploying",
        "package": "endpoints.packaging",
        "endpoints": "endpoints.commands",
        "endpoint": "endpoints.commands",
        "call": "endpoints.asking",
    },
    "Names and notes": {
        "rename": "init",
        "name": "notes",
        "describe": "notes",
        "tag": "notes",
        "archive": "notes",
        "comment": "notes",
    },
    "Tidy": {
        "delete": "tidy",
        "delete-model": "models",
        "delete-trace": "traces",
        "delete-evaluation-set": "evaluation_sets",
        "deletions": "tidy",
        "undelete": "tidy",
        "keep": "tidy",
        "tidy": "tidy",
        "du": "tidy",
    },
    "Share": {
        "login": "login",
        "logout": "login",
        "whoami": "login",
        "people": "people",
        "person": "people",
        "token": "people",
        "audit": "people",
        "notice": "notices",
        "experiment": "sharing",
        "quota": "quotas",
        "server": "server",
    },
    "Keep safe": {
        "backup": "backup",
        "restore": "backup",
        "export-workspace": "backup",
        "import-workspace": "backup",
        "export": "portable",
        "import": "portable",
        "import-mlflow": "mlflow_stores",
        "export-mlflow": "mlflow_stores",
        "repair": "repair",
        "doctor": "doctor",
        "drill": "drill",
        "secret": "secrets",
        "completion": "completion",
    },
}
"""Commands by panel, each with the module of this folder that has it."""


@click.command(
    cls=Program,
    panels={
        title: {name: f"{__package__}.{module}" for name, module in commands.items()}
        for title, commands in _PANELS.items()
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="faena", prog_name="faena")
def main() -> None:
    """Train, track, register and serve the models of any training script, on machines that you own."""
