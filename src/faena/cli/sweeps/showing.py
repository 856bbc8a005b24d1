"""`faena sweep show`: a sweep as it is now, for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import rich_click as click

from faena.cli.layout import (
    harmless,
    print_facts,
    print_prose,
    print_table,
    show_time,
    styled,
    terminal_width,
)
from faena.cli.sweeps import trials_table
from faena.cli.sweeps.asked import in_our_words
from faena.cli.sweeps.following import blocker, difference
from faena.cli.tables import status_cell
from faena.kernel.plural import counted
from faena.sweeps.schemas import LONGEST_MINUTES, Policy, SweepSpec, SweepView, TrialView

if TYPE_CHECKING:
    from faena.client.api import ServerApi

_MOST_DECISIONS = 20


def as_values(api: ServerApi, sweep_id: str, limit: int) -> dict[str, Any]:
    """The sweep with its `notes` and `best_first`, its trials."""
    import msgspec

    run = api.run(sweep_id)
    return {
        **msgspec.to_builtins(api.sweeps.get(sweep_id)),
        "notes": msgspec.to_builtins(run.notes),
        "error": msgspec.to_builtins(run.error),
        "best_first": [
            msgspec.to_builtins(each) for each in api.sweeps.trials(sweep_id, best_first=True, limit=limit)
        ],
    }


def show(api: ServerApi, sweep_id: str, limit: int) -> None:
    view, run = api.sweeps.get(sweep_id), api.run(sweep_id)
    trials = list(api.sweeps.trials(sweep_id, best_first=True, limit=limit))
    state = trials_table.state_text(view)
    click.echo(f"{styled(view.id, bold=True)}  {styled(state, status_cell(view.status).colour)}")
    print_facts(
        {
            "Name": run.name or "",
            "Experiment": f"{view.experiment}, number {run.number}",
            "Script": run.command,
            "Cluster": run.cluster,
            **_facts(view),
            "Waits for": blocker(api, view),
        }
    )
    width = terminal_width()
    best = None if view.best is None else view.best.number
    print_table(
        *trials_table.columns_and_rows(view.spec, trials, best, width),
        empty="No trials yet.",
    )
    if marked := trials_table.legend(view.spec, trials):
        print_prose(marked)
    more = sum(view.counts.values()) + view.adopted - len(trials)
    if more > 0:
        click.echo(f"{counted(more, 'trial')} more: --limit.", err=True)
    _decisions(trials)
    for note in run.notes:
        print_prose(f"{note.code}: {in_our_words(note.message)}", "yellow")
    if run.error is not None:
        print_prose(in_our_words(run.error.message), "red")
    for line in difference(trials[:2]):
        click.echo(line)


def _facts(view: SweepView) -> dict[str, str]:
    spec = view.spec
    further = [f"{each.name}, {each.goal}" for each in spec.objectives[1:]]
    facts = {
        "Metric": "; ".join([f"{spec.objectives[0].name}, {spec.objectives[0].goal}", *further]),
        "Sampling": _sampling(spec),
        "Policy": _policy(spec.policy),
        "Constraints": "; ".join([*spec.constraints, *spec.metric_constraints]),
        "Trials": trials_table.counts_text(view),
        "At once": f"{spec.max_concurrent_runs:,} at most",
    }
    if view.state in ("running", "paused") and spec.max_duration_minutes < LONGEST_MINUTES:
        facts["Stops"] = show_time(view.deadline)
    if view.best is not None:
        facts["Best"] = f"{view.best.run_id}: {trials_table.number(view.best.value)}"
    if view.told:
        facts["Ended"] = view.told
    elif view.exhausted:
        facts["Space"] = "holds nothing more that was not tried"
    return facts


def _sampling(spec: SweepSpec) -> str:
    found = spec.sampling
    further = f" ({found.model})" if found.kind == "bayesian" else ""
    if found.population is not None:
        further = f" (population {found.population.size}, {found.population.checkpoint_argument})"
    return f"{found.kind}{further}" + ("" if found.kind == "grid" else f", seed {found.seed}")


def _policy(policy: Policy) -> str:
    """As it is written: `bandit(slack_factor=0.1)`."""
    if policy == Policy():
        return ""
    plain = Policy(kind=policy.kind)
    given = [
        f"{name}={getattr(policy, name)}"
        for name in policy.__struct_fields__
        if name != "kind" and getattr(policy, name) != getattr(plain, name)
    ]
    return f"{policy.kind}({', '.join(given)})" if given else policy.kind


def _decisions(trials: Sequence[TrialView]) -> None:
    """What the policy said of those that it stopped."""
    stopped = [trial for trial in trials if trial.stopped]
    for trial in stopped[:_MOST_DECISIONS]:
        print_prose(harmless(f"Trial {trial.number}: {trial.stopped}"))
    if len(stopped) > _MOST_DECISIONS:
        click.echo(f"{counted(len(stopped) - _MOST_DECISIONS, 'trial')} more stopped, which --json tells of.")
