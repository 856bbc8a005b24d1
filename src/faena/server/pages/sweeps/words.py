"""What a sweep searches and how, in words. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from faena.kernel.plural import counted
from faena.server.pages import words
from faena.sweeps.arguments import argument_text, bare
from faena.sweeps.expressions import as_written
from faena.sweeps.schemas import LONGEST_MINUTES, Policy, Population, Retries, Sampling, SweepSpec

_LONGEST = 160
"""Characters of an expression, a value or a reason that are shown."""
_SAMPLINGS = {
    "random": "random",
    "grid": "grid",
    "sobol": "Sobol",
    "bayesian": "Bayesian",
    "cmaes": "CMA-ES",
    "nsga2": "NSGA-II",
    "pbt": "population based training",
}


def cut(text: str, most: int = _LONGEST) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def value(given: Any) -> str:
    """A parameter as the script gets it; numbers with six digits."""
    if isinstance(given, float):
        return f"{given:.6g}"
    text = argument_text(given)
    if text is None:
        return "not set"
    return cut(text) or "set"


def expressions(space: Mapping[str, Any]) -> list[tuple[str, str]]:
    """By parameter, as they are written in Python."""
    return [(bare(name), cut(_expression(given))) for name, given in space.items()]


def _expression(given: Any, most: int = _LONGEST) -> str:
    """Of a long one the beginning: no more than `most` characters of it are looked at."""
    word, arguments = as_written(given)
    if word:
        options = arguments[0] if word == "choice" and arguments else arguments
        return f"{word}({_joined(map(_expression, options), most)})" if _is_list(options) else word
    if isinstance(given, dict):
        return f"{{{_joined((f'{bare(name)}: {_expression(each)}' for name, each in given.items()), most)}}}"
    return value(given)


def _is_list(given: Any) -> bool:
    return isinstance(given, list | tuple)


def _joined(texts: Iterator[str], most: int) -> str:
    found: list[str] = []
    length = 0
    for text in texts:
        found.append(text)
        length += len(text) + 2
        if length > most:
            break
    return ", ".join(found)


def kinds(space: Mapping[str, Any]) -> dict[str, str]:
    """The word of each parameter's expression, in the order of the space; choices that set several are followed."""
    found: dict[str, str] = {}
    for name, given in space.items():
        word, arguments = as_written(given)
        options = arguments[0] if word == "choice" and arguments and _is_list(arguments[0]) else ()
        coupled = [each for each in options if isinstance(each, dict)]
        if not coupled or len(coupled) < len(options):
            found.setdefault(bare(name), word)
        for each in coupled:
            for inner, kind in kinds(each).items():
                found.setdefault(inner, kind)
    return found


def facts(spec: SweepSpec) -> list[tuple[str, str]]:
    """How it searches and when it ends."""
    retries = [
        f"{count} after {kind}"
        for kind, count in (
            ("a lost node", spec.retries.node_lost),
            ("out of memory", spec.retries.out_of_memory),
            ("a failure", spec.retries.failed),
        )
        if count
    ]
    found = {
        "Metric": ", ".join(f"{each.name} ({each.goal})" for each in spec.objectives),
        "Counts": "the last value" if spec.value == "last" else "",
        "Sampling": _sampling(spec.sampling),
        "Policy": _fields(spec.policy),
        "Trials": f"{spec.max_total_runs:,} at most, {spec.max_concurrent_runs:,} at once",
        "Repeats": str(spec.repeats) if spec.repeats > 1 else "",
        "Constraints": "; ".join(map(cut, spec.constraints)),
        "Conditions": "; ".join(map(cut, spec.metric_constraints)),
        "Time": f"{spec.max_duration_minutes:,g} minutes at most"
        if spec.max_duration_minutes != LONGEST_MINUTES
        else "",
        "Done at": "" if spec.stop_at is None else words.number(spec.stop_at),
        "Patience": "" if spec.patience is None else counted(spec.patience, "trial"),
        "Fail fast": "" if spec.fail_fast else "off",
        "Retries": ", ".join(retries) if spec.retries != Retries() else "",
    }
    return [(name, text) for name, text in found.items() if text]


def _sampling(sampling: Sampling) -> str:
    kind = _SAMPLINGS.get(sampling.kind, sampling.kind)
    model = f" ({sampling.model.upper()})" if sampling.kind == "bayesian" else ""
    if (population := sampling.population) is not None:
        plain = Population(population.size, population.checkpoint_argument)
        told = [
            f"{name.replace('_', ' ')} {_numbers(getattr(population, name))}"
            for name in population.__struct_fields__
            if getattr(population, name) != getattr(plain, name)
        ]
        model = f", {', '.join([f'{population.size} members by {population.checkpoint_argument}', *told])}"
    return f"{kind}{model}, seed {sampling.seed}"


def _numbers(given: Any) -> str:
    return " and ".join(map(words.number, given)) if isinstance(given, tuple) else words.number(given)


def _fields(policy: Policy) -> str:
    """Its kind, and what differs from a plain one."""
    plain = Policy(kind=policy.kind)
    given = {name: getattr(policy, name) for name in policy.__struct_fields__}
    told = [
        f"{name} {words.number(each) if isinstance(each, int | float) and not isinstance(each, bool) else each}"
        for name, each in given.items()
        if each != getattr(plain, name)
    ]
    return ", ".join([policy.kind, *told])
