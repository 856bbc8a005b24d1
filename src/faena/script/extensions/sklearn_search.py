"""scikit-learn's searches (GridSearchCV, RandomizedSearchCV, the halving ones, and those that do as they do).

search.fit(x, y)
log_search(search)
"""

from __future__ import annotations

from faena.script import values
from faena.script.extensions.numbers import number, run_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

_LONGEST = 500
_CHILDREN_TOGETHER = 100


def log_search(search: Any, run: Any = None, children: bool = False) -> None:
    """What `search` has found, once it is fitted: a row of `candidates` for each combination, with its parameters,
    and for the charts its scores, whose step is its place in `cv_results_`; `best_score`, and the best parameters
    as tags.

    `run`: default, the run of this process. `children`: each combination is a child run as well, with its parameters
    as tags and its scores as metrics. Raises UserErrorException for a search that is not fitted.
    """
    found = getattr(search, "cv_results_", None)
    if not found:
        raise values.refuse("{} has no cv_results_: call its fit first.".format(type(search).__name__))
    run = run_of(run)
    rows = list(_rows(found))
    names = list(
        {name: None for parameters, _ in rows for name in parameters}
    )  # a list of grids has several sets
    for place, (parameters, scores) in enumerate(rows):
        cells = {"param_" + name: _cell(parameters.get(name)) for name in names}
        run.log_row("candidates", **cells, **scores)
        for name, value in scores.items():
            if name.startswith("mean_test_"):
                run.log(name, value, step=place)
    _log_best(search, run)
    if children:
        _log_children(run, rows)


def _rows(found: Any) -> Iterator[tuple[dict[str, Any], dict[str, float]]]:
    """(parameters, numbers) of each candidate; of the folds' own scores nothing."""
    names = [
        name
        for name in found
        if name.startswith(("mean_", "std_", "rank_")) or name in ("iter", "n_resources")
    ]
    for place, parameters in enumerate(found["params"]):
        scores = {name: number(found[name][place]) for name in names}
        yield dict(parameters), {name: value for name, value in scores.items() if value is not None}


def _cell(value: Any) -> Any:
    """A parameter as a number or text: others (an estimator, a function, a tuple) as they are written."""
    if value is None or type(value) in (bool, int, float):
        return value
    plain = number(value) if hasattr(value, "item") else None
    return _shown(value) if plain is None else plain


def _shown(value: Any) -> str:
    return (value if isinstance(value, str) else repr(value))[:_LONGEST]


def _text(value: Any) -> str:
    """As a tag: there numbers are text, too."""
    return _shown(_cell(value))


def _log_best(search: Any, run: Any) -> None:
    """Several scores without one to choose by (`refit=False`) have no best one."""
    best = number(getattr(search, "best_score_", None))
    if best is not None:
        run.log("best_score", best)
    parameters = getattr(search, "best_params_", None)
    if parameters:
        run.set_tags({"best_" + name: _text(value) for name, value in parameters.items()})


def _log_children(run: Any, rows: list[tuple[dict[str, Any], dict[str, float]]]) -> None:
    for start in range(0, len(rows), _CHILDREN_TOGETHER):
        some = rows[start : start + _CHILDREN_TOGETHER]
        for child, (parameters, scores) in zip(run.create_children(len(some)), some):  # noqa: B905  Python 3.8 has no strict
            child.set_tags({name: _text(value) for name, value in parameters.items()})
            for name, value in scores.items():
                child.log(name, value)
            child.complete()
