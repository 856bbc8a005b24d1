"""Spec and date to interpreter and versions: the newest Python for which the packages of that day have wheels.

A plain resolution says nothing: scikit-learn 0.20.3 resolves on Python 3.8, as a source distribution that cannot be
built there. So a package that has wheels for some Python on this platform is not built from source, and the first
Python that resolves so is taken. What is there as source only (chainer, absl-py, termcolor) is built as it always was.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from faena.environments import (
    asked_indexes,
    by_date_errors,
    catalogue,
    causes,
    compiling,
    cutoffs,
    date_lies,
    index_pages,
    interpreters,
    kept_answers,
    leaks,
    pip_options,
    python_releases,
    seeding,
    uv_process,
)
from faena.environments.compiling import RESOLVING, Dated
from faena.environments.folders import Log
from faena.environments.index_pages import File, Indexes
from faena.environments.lock_text import Compiled
from faena.environments.model import EnvironmentSpec, Interpreter
from faena.environments.package_index import Index
from faena.environments.requirements import holds_on, name_of
from faena.kernel import dates
from faena.kernel.errors import EnvironmentBuildException

_ROUNDS = 3
_WITHOUT_BINARIES = frozenset(
    (
        "chainer",
        "future",
        "ipykernel",
        "joblib",
        "keras",
        "papermill",
        "requests",
        "seaborn",
        "tensorboard",
        "tqdm",
    )
)
"""What scripts ask for most and has no wheels for a platform: for a guess, which the index's pages confirm."""


class Chosen(NamedTuple):
    interpreter: Interpreter
    compiled: Compiled


class _Known(msgspec.Struct, frozen=True):
    minor: str
    wheels_of: tuple[str, ...]


class _Task(NamedTuple):
    spec: EnvironmentSpec
    plan: catalogue.Plan
    date: str
    folder: Path
    held: int
    log: Log
    find_links: str
    indexes: Indexes
    """Asked for when they are needed: of what is known, only where files have no date."""

    @property
    def question(self) -> object:
        """What the choice depends on, beside the interpreters that there are."""
        spec = self.spec
        indexes = [index.kept().url for index in spec.index_urls]
        archives = [each.digest for each in spec.archives]
        python = sorted(map(str, self.plan.python)) if self.plan.python_named else []
        options = pip_options.canonical(spec.pip)
        return [
            "oldest python" if self.plan.oldest_first else "python",
            self.date,
            list(self.plan.requirements),
            archives,
            indexes,
            options,
            python,
            spec.undated,
        ]


def resolved(
    spec: EnvironmentSpec, plan: catalogue.Plan, date: str, log: Log, *, folder: Path, held: int
) -> Chosen:
    """Raises EnvironmentBuildException: at once where no Python of that time is here or can be brought."""
    plan = plan._replace(build_constraints=(*plan.build_constraints, *cutoffs.build_constraints(date)))
    indexes = cache(lambda: _indexes(spec, log, folder, held))
    machine = uv_process.environment(spec.index_urls, spec.credentials(), spec.pip)
    with _links(folder) as place:
        links = leaks.let_in(leaks.of_find_links(machine), spec.undated, place, log)
        return _resolved(_Task(spec, plan, date, folder, held, log, links, indexes))


@contextmanager
def _links(folder: Path) -> Iterator[Path]:
    """Where links to files may lie until all is resolved."""
    place = folder.with_suffix(".links")
    try:
        yield place
    finally:
        for made in (place, folder.with_suffix(".indexes"), folder):
            shutil.rmtree(made, ignore_errors=True)


def _indexes(spec: EnvironmentSpec, log: Log, folder: Path, held: int) -> list[Index]:
    work = folder.with_suffix(".indexes")
    work.mkdir(mode=0o700, exist_ok=True)
    return asked_indexes.of(spec, log, work, held)


def _resolved(task: _Task) -> Chosen:
    known = kept_answers.recall(task.question, _Known)
    minors = _minors(task.plan, task.date)
    if not task.plan.python_named:
        by_date_errors.refuse_mpi(task.plan.requirements, task.date, minors)
    if known is not None and (interpreter := _best_here(task, [known.minor])) is not None:
        return _on(task, interpreter, frozenset(known.wheels_of))
    if (interpreter := _best_here(task, minors)) is not None and (
        found := _guessed(task, interpreter)
    ) is not None:
        return found
    requirements = task.plan.requirements
    here = _here(task.plan, task.date, task.log)
    pages = index_pages.of([name_of(each) for each in requirements], task.indexes())
    lies = _tell_lies(task, pages)
    by_date_errors.refuse_later(requirements, pages, task.date, task.spec.undated, lies)
    return _first(task, here, pages)


def _tell_lies(task: _Task, files: Mapping[str, Sequence[File]]) -> list[str]:
    lies = date_lies.seen(task.plan.requirements, files, dt.datetime.now(dt.UTC).date())
    for each in lies:
        task.log(each)
    return lies


def _guessed(task: _Task, interpreter: Interpreter) -> Chosen | None:
    """What comes of it on the best Python of this machine, if all that is asked for has wheels: mostly it is so, and
    no page of an index need be asked for. None: it cannot be had so."""
    said: list[str] = []
    asked = {name_of(each): Requirement(each) for each in task.plan.requirements}
    names = frozenset(asked) - _WITHOUT_BINARIES
    quiet = task._replace(
        log=lambda line: task.log(line) if line.startswith(RESOLVING) else said.append(line)
    )
    try:
        chosen = _on(quiet, interpreter, names)
    except EnvironmentBuildException:
        return None  # why, is looked up
    for line in said:
        task.log(line)
    files = chosen.compiled.files
    free = [name for name, requirement in asked.items() if not _is_exact(requirement)]
    # A source distribution may be newer than the newest wheel for any platform.
    loose = names & {name for name in free if not any(file.is_binary for file in files.get(name, ()))}
    if loose:
        names -= loose
        chosen = _on(task, interpreter, names)
    # Where no version is named, all files have their part in which one is taken.
    _tell_lies(task, {**files, **(index_pages.of(free, task.indexes()) if free else {})})
    return _settled(task, interpreter, names, chosen)


def _is_exact(requirement: Requirement) -> bool:
    return any(
        each.operator == "===" or (each.operator == "==" and not each.version.endswith(".*"))
        for each in requirement.specifier
    )


def _here(plan: catalogue.Plan, date: str, log: Log) -> list[Interpreter]:
    """Interpreters of this machine to try, the best first."""
    if plan.python_named:
        return [interpreters.choose(plan.python, log)]
    return interpreters.of_minors(_minors(plan, date))


def _best_here(task: _Task, minors: Sequence[str]) -> Interpreter | None:
    """The first of `_here`; the others are not asked."""
    if task.plan.python_named:
        named = interpreters.choose(task.plan.python, task.log)
        return named if named.kind[1] in minors else None
    return interpreters.first_of_minors(minors)


def _minors(plan: catalogue.Plan, date: str) -> list[str]:
    """Of the Pythons of that day, the best first."""
    newest_first = python_releases.minors_of(dates.day_of(date))
    return newest_first[::-1] if plan.oldest_first else newest_first


def _first(task: _Task, here: Sequence[Interpreter], pages: dict[str, list[File]]) -> Chosen:
    """The first of them on which everything resolves."""
    requirements, date, named = task.plan.requirements, task.date, task.plan.python_named
    wheels_of = _with_wheels(requirements, pages, date)
    minors = _minors(task.plan, date)
    fitting = minors if named else _with_wheels_for(requirements, pages, date, minors)
    candidates = [each for each in here if named or each.kind[1] in fitting]
    lacking = [minor for minor in fitting if minor not in {each.kind[1] for each in candidates}]
    brought = [minor for minor in lacking if python_releases.is_brought_by_uv(minor) and not named]
    if minors and not fitting:
        raise by_date_errors.no_wheels(date, minors, requirements, pages)
    if not candidates and not brought:
        raise by_date_errors.none_here(date, fitting, requirements, pages)
    tried: list[str] = []
    error: EnvironmentBuildException | None = None
    for interpreter in chain(candidates, _brought(brought, task.log)):  # nothing is fetched before those here
        try:
            return _settled(task, interpreter, wheels_of, _on(task, interpreter, wheels_of))
        except EnvironmentBuildException as failed:
            if causes.of_the_index(failed.message):
                raise
            error = failed
            tried.append(interpreter.version)
            task.log(f"Not Python {interpreter.version}: {by_date_errors.reason(failed.message)}")
    if named and wheels_of:  # whoever names a Python has what has no wheel for it built
        return _on(task, candidates[0], frozenset())
    if error is None:
        raise by_date_errors.none_here(date, fitting, requirements, pages)
    raise by_date_errors.none_fits(date, requirements, tried, pages, error.message) from error


def _settled(task: _Task, interpreter: Interpreter, wheels_of: frozenset[str], chosen: Chosen) -> Chosen:
    """With nothing built that has wheels elsewhere."""
    for _ in range(_ROUNDS):
        more = _built_without_need(task, chosen.compiled) - wheels_of
        if not more:
            break
        wheels_of |= more
        chosen = _on(task, interpreter, wheels_of)
    kept_answers.keep(task.question, _Known(interpreter.kind[1], tuple(sorted(wheels_of))))
    return chosen


def _brought(minors: Sequence[str], log: Log) -> Iterator[Interpreter]:
    """Those that uv can install, one after the other."""
    for minor in minors:
        try:
            yield interpreters.choose(SpecifierSet(f"=={minor}.*"), log)
        except EnvironmentBuildException as error:
            log(error.message.splitlines()[0])


def _on(task: _Task, interpreter: Interpreter, wheels_of: frozenset[str]) -> Chosen:
    seeds = seeding.of_a_date(task.date)
    dated = Dated(task.date, task.spec.undated, wheels_of, seeds, task.find_links, task.indexes)
    compiled = compiling.compiled(
        task.spec,
        task.plan,
        interpreter,
        task.log,
        folder=task.folder,
        earlier="",
        held=task.held,
        dated=dated,
    )
    return Chosen(interpreter, compiled)


def _with_wheels_for(
    requirements: Sequence[str], pages: dict[str, list[File]], date: str, minors: Sequence[str]
) -> list[str]:
    """Those of the minor versions for which each package that has wheels has one."""
    fitting = list(minors)
    for requirement in requirements:
        asked = Requirement(requirement)
        files = index_pages.dated(pages.get(name_of(requirement), []), dates.day_of(date), asked.specifier)
        there = index_pages.minors_of(files)
        if there:
            fitting = [
                minor
                for minor in fitting
                if int(minor.partition(".")[2]) in there or not holds_on(asked.marker, f"{minor}.0")
            ]
    return fitting


def _with_wheels(requirements: Sequence[str], pages: dict[str, list[File]], date: str) -> frozenset[str]:
    """Packages of which the versions that are asked for have wheels for this platform."""
    found = set()
    for requirement in requirements:
        asked = Requirement(requirement)
        files = index_pages.dated(pages.get(name_of(requirement), []), dates.day_of(date), asked.specifier)
        if any(file.is_binary for file in files):
            found.add(name_of(requirement))
    return frozenset(found)


def _built_without_need(task: _Task, compiled: Compiled) -> frozenset[str]:
    """Packages that would be built on this Python, and have wheels of that version for another one."""
    built = compiled.from_source
    pages = index_pages.of(built, task.indexes()) if built else {}
    return _with_wheels([f"{name}=={version}" for name, version in built.items()], pages, task.date)
