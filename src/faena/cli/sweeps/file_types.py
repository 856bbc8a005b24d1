"""What a file that describes a sweep may hold. The JSON Schema by which editors complete it is made of these types."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from faena.sweeps.checks import MOST_AT_ONCE, MOST_TRIALS
from faena.sweeps.schemas import LONGEST_MINUTES, Goal, Policy

SCHEMA_FILE = "sweep.schema.json"
"""Beside this file: what `schema` gives."""

Number = float
Text = str | int | float | bool
"""What becomes a text, as it was written: 1.10 is a version, and no 1.1."""


class Words(Struct, forbid_unknown_fields=True):
    """An expression as a mapping of one word to its arguments: `{loguniform: [-6, -1]}`."""

    choice: (
        Annotated[
            list[Any],
            Meta(
                description="One of these. One that is a mapping sets several parameters at once.",
                min_length=1,
            ),
        ]
        | UnsetType
    ) = UNSET
    randint: Annotated[int, Meta(description="A whole number from 0 to below this.", ge=1)] | UnsetType = (
        UNSET
    )
    uniform: Annotated[tuple[Number, Number], Meta(description="[min, max]")] | UnsetType = UNSET
    quniform: (
        Annotated[
            tuple[Number, Number, Number],
            Meta(description="[min, max, q]: rounded to a multiple of q."),
        ]
        | UnsetType
    ) = UNSET
    loguniform: (
        Annotated[
            tuple[Number, Number],
            Meta(description="[min, max] of the logarithm: e to the power of a number between them."),
        ]
        | UnsetType
    ) = UNSET
    qloguniform: (
        Annotated[
            tuple[Number, Number, Number],
            Meta(description="[min, max, q]: loguniform, rounded to a multiple of q."),
        ]
        | UnsetType
    ) = UNSET
    normal: Annotated[tuple[Number, Number], Meta(description="[mu, sigma]")] | UnsetType = UNSET
    qnormal: Annotated[tuple[Number, Number, Number], Meta(description="[mu, sigma, q]")] | UnsetType = UNSET
    lognormal: (
        Annotated[tuple[Number, Number], Meta(description="[mu, sigma] of the logarithm.")] | UnsetType
    ) = UNSET
    qlognormal: (
        Annotated[tuple[Number, Number, Number], Meta(description="[mu, sigma, q] of the logarithm.")]
        | UnsetType
    ) = UNSET


Expression = (
    Annotated[
        str,
        Meta(
            description="Such as loguniform(-6, -1), choice(128, 256), randint(8) or flag.",
            examples=["loguniform(-6, -1)", "choice(128, 256)", "uniform(0, 1)", "randint(8)", "flag"],
        ),
    ]
    | Words
)


class SweepFile(Struct, forbid_unknown_fields=True):
    """A sweep, as `faena sweep FILE` reads it."""

    script: Annotated[
        str, Meta(description="File of the source folder that is run; with `module` the module's name.")
    ]
    space: Annotated[
        dict[str, Expression],
        Meta(
            description="An expression for each parameter, which the script gets as an argument.",
            min_length=1,
        ),
    ]
    metric: Annotated[str, Meta(description="The primary metric, as the script logs it.", min_length=1)]
    goal: Annotated[Goal, Meta(description="Which way the metric is better (default: maximize).")] = (
        "maximize"
    )
    trials: (
        Annotated[
            int,
            Meta(description="Trials in all; a grid needs none given.", ge=1, le=MOST_TRIALS),
        ]
        | UnsetType
    ) = UNSET
    at_once: (
        Annotated[
            int,
            Meta(
                description="Trials at once, at most (default: as many as the cluster has nodes).",
                ge=1,
                le=MOST_AT_ONCE,
            ),
        ]
        | UnsetType
    ) = UNSET
    sampling: (
        Annotated[
            Literal["random", "grid", "sobol", "bayesian", "cmaes", "nsga2", "pbt"],
            Meta(description="How parameters are chosen (default: random)."),
        ]
        | UnsetType
    ) = UNSET
    model: (
        Annotated[Literal["tpe", "gp"], Meta(description="What bayesian learns with (default: tpe).")]
        | UnsetType
    ) = UNSET
    seed: Annotated[int, Meta(description="The same one gives the same trials.")] | UnsetType = UNSET
    population: (
        Annotated[
            int,
            Meta(
                description="pbt: members of the population; nsga2: trials in a generation (default: 50).",
                ge=2,
            ),
        ]
        | UnsetType
    ) = UNSET
    checkpoint_argument: (
        Annotated[
            str,
            Meta(
                description="pbt: the script's argument that names the folder of its checkpoint.",
                examples=["--checkpoint-dir"],
            ),
        ]
        | UnsetType
    ) = UNSET
    quantile_fraction: (
        Annotated[
            Number,
            Meta(
                description="pbt: the share that goes on from as many of the best (default: 0.25).",
                gt=0,
                le=0.5,
            ),
        ]
        | UnsetType
    ) = UNSET
    resample_probability: (
        Annotated[
            Number,
            Meta(
                description="pbt: of drawing a parameter anew instead of perturbing it (default: 0.25).",
                ge=0,
                le=1,
            ),
        ]
        | UnsetType
    ) = UNSET
    perturbation_factors: (
        Annotated[
            tuple[Number, Number],
            Meta(description="pbt: what numbers are multiplied by (default: [0.8, 1.2])."),
        ]
        | UnsetType
    ) = UNSET
    policy: (
        Annotated[
            str | Policy,
            Meta(
                description="When a trial that falls behind is stopped, such as bandit(slack_factor=0.1).",
                examples=[
                    "bandit(slack_factor=0.1)",
                    "median",
                    "truncation(truncation_percentage=20)",
                    "asha",
                ],
            ),
        ]
        | UnsetType
    ) = UNSET
    constraints: (
        Annotated[
            list[str],
            Meta(description="Conditions over parameters, such as batch * layers <= 4096."),
        ]
        | UnsetType
    ) = UNSET
    metrics: (
        Annotated[dict[str, Goal], Meta(description="More metrics to tune for: their names and goals.")]
        | UnsetType
    ) = UNSET
    metric_constraints: (
        Annotated[
            list[str],
            Meta(description="Conditions over metrics that the best trial fulfils, such as latency <= 10."),
        ]
        | UnsetType
    ) = UNSET
    value: (
        Annotated[
            Literal["best", "last"],
            Meta(description="Which logged value of a metric is a trial's (default: best; of pbt last)."),
        ]
        | UnsetType
    ) = UNSET
    repeats: (
        Annotated[
            int,
            Meta(description="Trials of each choice, ranked by their mean (default: 1).", ge=1, le=1000),
        ]
        | UnsetType
    ) = UNSET
    stop_at: (
        Annotated[Number, Meta(description="The sweep is done when a trial reaches this value.")] | UnsetType
    ) = UNSET
    patience: (
        Annotated[
            int,
            Meta(
                description="It is done when so many trials in a row brought nothing better.",
                ge=1,
                le=MOST_TRIALS,
            ),
        ]
        | UnsetType
    ) = UNSET
    max_minutes: (
        Annotated[
            Number,
            Meta(
                description="It is stopped after so many minutes (default: a week).", gt=0, le=LONGEST_MINUTES
            ),
        ]
        | UnsetType
    ) = UNSET
    fail_fast: (
        Annotated[bool, Meta(description="End when the first three trials fail alike (default: true).")]
        | UnsetType
    ) = UNSET
    retry_node_lost: (
        Annotated[
            int,
            Meta(description="How often a trial goes again whose node was lost (default: 3).", ge=0, le=100),
        ]
        | UnsetType
    ) = UNSET
    retry_out_of_memory: (
        Annotated[int, Meta(description="The same after running out of memory (default: 0).", ge=0, le=100)]
        | UnsetType
    ) = UNSET
    retry_failed: (
        Annotated[int, Meta(description="The same after an error of its script (default: 0).", ge=0, le=100)]
        | UnsetType
    ) = UNSET
    keep_outputs: (
        Annotated[
            int,
            Meta(
                description="So many trials, the best, keep what they left in outputs (default: all).", ge=1
            ),
        ]
        | UnsetType
    ) = UNSET
    resume_from: (
        Annotated[list[str], Meta(description="Sweeps to go on from: none of their trials is tried again.")]
        | UnsetType
    ) = UNSET
    resume_child_runs: (
        Annotated[list[str], Meta(description="Trials whose parameters are tried again, first.")] | UnsetType
    ) = UNSET
    arguments: (
        Annotated[list[Text], Meta(description="Arguments of the script that stay the same.")] | UnsetType
    ) = UNSET
    source: (
        Annotated[str, Meta(description="Folder to capture (default: the one that this file is in).")]
        | UnsetType
    ) = UNSET
    module: (
        Annotated[bool, Meta(description="Whether script is the dotted name of a module.")] | UnsetType
    ) = UNSET
    experiment: (
        Annotated[str, Meta(description="Experiment (default: the source folder's name).")] | UnsetType
    ) = UNSET
    cluster: Annotated[str, Meta(description="Cluster (default: local).")] | UnsetType = UNSET
    name: Annotated[str, Meta(description="The sweep's display name.")] | UnsetType = UNSET
    tags: Annotated[dict[str, Text], Meta(description="Tags of the sweep.")] | UnsetType = UNSET
    framework: (
        Annotated[
            Literal["chainer", "pytorch", "tensorflow", "sklearn"],
            Meta(description="Framework to install."),
        ]
        | UnsetType
    ) = UNSET
    framework_version: (
        Annotated[Text, Meta(description="Its version (default: the catalogue's).")] | UnsetType
    ) = UNSET
    pip: Annotated[list[str], Meta(description="Packages to install.")] | UnsetType = UNSET
    conda: Annotated[list[str], Meta(description="The same by conda's names.")] | UnsetType = UNSET
    requirements: Annotated[str, Meta(description="A requirements file.")] | UnsetType = UNSET
    conda_file: Annotated[str, Meta(description="A conda environment file instead.")] | UnsetType = UNSET
    environment: (
        Annotated[str, Meta(description="A registered environment instead, NAME or NAME:VERSION.")]
        | UnsetType
    ) = UNSET
    interpreter: (
        Annotated[str, Meta(description="Use this Python as it is; nothing is installed.")] | UnsetType
    ) = UNSET
    user_managed: (
        Annotated[bool, Meta(description="Use the Python that runs faena as it is.")] | UnsetType
    ) = UNSET
    python: Annotated[Text, Meta(description="Python version or range, such as 3.10.")] | UnsetType = UNSET
    as_of: (
        Annotated[str, Meta(description="Packages and Python of that day, such as 2019-10-01, or auto.")]
        | UnsetType
    ) = UNSET
    undated: (
        Annotated[list[str], Meta(description="With as_of: packages whose files need no date.")] | UnsetType
    ) = UNSET
    data: (
        Annotated[list[str], Meta(description="[NAME=]PLACE[,MODE], as of faena submit --data.")] | UnsetType
    ) = UNSET
    nodes: Annotated[int, Meta(description="Nodes that each trial has at once.", ge=1)] | UnsetType = UNSET
    processes_per_node: (
        Annotated[int, Meta(description="Ranks on each node, with mpi or torch.", ge=1)] | UnsetType
    ) = UNSET
    mpi: (
        Annotated[bool, Meta(description="The script runs in ranks of MPI (mpi4py, ChainerMN).")] | UnsetType
    ) = UNSET
    torch: Annotated[bool, Meta(description="The script runs in ranks of torch.distributed.")] | UnsetType = (
        UNSET
    )
    workers: (
        Annotated[int, Meta(description="TensorFlow's workers, on all nodes of a trial together.", ge=1)]
        | UnsetType
    ) = UNSET
    parameter_servers: (
        Annotated[int, Meta(description="TensorFlow's parameter servers, with workers.", ge=0)] | UnsetType
    ) = UNSET
    use_gpu: (
        Annotated[bool, Meta(description="The script wants a GPU; answered on the CPU where there is none.")]
        | UnsetType
    ) = UNSET
    warm: (
        Annotated[
            bool, Meta(description="Start trials in an interpreter that has their packages loaded already.")
        ]
        | UnsetType
    ) = UNSET
    require_gpu: Annotated[bool, Meta(description="Refuse the sweep where there is no GPU.")] | UnsetType = (
        UNSET
    )
    max_seconds: (
        Annotated[Number, Meta(description="Stop each trial after so many seconds.", gt=0)] | UnsetType
    ) = UNSET
    grace: (
        Annotated[Number, Meta(description="Seconds from SIGTERM to SIGKILL (default: 30).", ge=0)]
        | UnsetType
    ) = UNSET
    early_signal: (
        Annotated[
            Text,
            Meta(description="A signal to each script so many seconds before max_seconds is over: USR1@90."),
        ]
        | UnsetType
    ) = UNSET
    env: (
        Annotated[
            dict[str, Text | None], Meta(description="Environment variables; one without value is yours.")
        ]
        | UnsetType
    ) = UNSET
    inherit_environment: (
        Annotated[bool, Meta(description="Pass on all of your environment variables.")] | UnsetType
    ) = UNSET


_OF_POLICIES = {
    "kind": "Which policy; each has the fields that are said to be its.",
    "evaluation_interval": "bandit, median, truncation: trials are judged at multiples of it.",
    "delay_evaluation": "bandit, median, truncation: from this interval on.",
    "slack_factor": "bandit: stopped below best / (1 + this); to be small: above best * (1 + this).",
    "slack_amount": "bandit: stopped below best - this; to be small: above best + this.",
    "truncation_percentage": "truncation: so many percent, the worst, are stopped at each interval.",
    "exclude_finished": "truncation: trials that ended are not counted.",
    "reduction_factor": "asha, hyperband: one of so many goes on from each rung.",
    "min_interval": "asha, hyperband: the first rung.",
    "max_interval": "hyperband: how many intervals a trial runs at most.",
    "stop_on_nan": "A trial that logs a value which is not a finite number is stopped.",
    "interval": "What an interval is: a logged value (default), or the step that is logged with it.",
}


def schema() -> dict[str, Any]:
    """JSON Schema of a file."""
    made = msgspec.json.schema(SweepFile)
    words = made["$defs"]["Words"]
    words["minProperties"] = words["maxProperties"] = 1
    for name, field in made["$defs"]["Policy"]["properties"].items():
        field["description"] = _OF_POLICIES[name]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A sweep of faena",
        **made,
    }
