"""Spec and date to interpreter and versions: the newest Python for which the packages of that day have wheels.

A plain resolution says nothing: scikit-learn 0.20.3 resolves on Python 3.8, as a source distribution that cannot be
built there. So a package that has wheels for some Python on this platform is not built from source, and the first
Python that resolves so is taken. What is there as source only (chainer, absl-py, termcolor) is built as it always was.
"""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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
from faena.environments.compiling import Dated
from faena.environments.folders import Log
from faena.environments.index_pages import File, Indexes
from faena.environments.lock_text import Compiled
from faena.environments.model import EnvironmentSpec, Interpreter
from faena.environments.requirements import holds_on, name_of
from faena.kernel import dates
from faena.kernel.errors import EnvironmentBuildException

_ROUNDS = 3


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
    here = _here(plan, date, log)
    folder.mkdir(mode=0o700, exist_ok=True)
    asked = here[0].path if here else sys.executable
    indexes = cache(lambda: asked_indexes.of(spec, log, folder, held, python=asked))
    machine = uv_process.environment(spec.index_urls, spec.credentials(), spec.pip)
    with _links(folder) as place:
        links = leaks.let_in(leaks.of_find_links(machine), spec.undated, place, log)
        return _resolved(_Task(spec, plan, date, folder, held, log, links, indexes), here)


@contextmanager
def _links(folder: Path) -> Iterator[Path]:
    """Where links to files may lie until all is resolved."""
    place = folder.with_suffix(".links")
    try:
        yield place
    finally:
        for made in (place, folder.with_suffix(".seeds"), folder):
            shutil.rmtree(made, ignore_errors=True)


def _resolved(task: _Task, here: Sequence[Interpreter]) -> Chosen:
    known = kept_answers.recall(task.question, _Known)
    if known is not None and (same := [each for each in here if each.kind[1] == known.minor]):
        return _on(task, same[0], frozenset(known.wheels_of))
    requirements = task.plan.requirements
    indexes = task.indexes()  # before there is a second thread: where uv lies is found out by one
    with ThreadPoolExecutor(1) as beside:
        if here:
            beside.submit(
                _seeds, task, here[0]
            )  # kept for when that one is tried; what fails then is told then
        pages = index_pages.of([name_of(each) for each in requirements], indexes)
    lies = date_lies.seen(requirements, pages, dt.datetime.now(dt.UTC).date())
    for each in lies:
        task.log(each)
    by_date_errors.refuse_later(requirements, pages, task.date, task.spec.undated, lies)
    return _first(task, here, pages)


def _here(plan: catalogue.Plan, date: str, log: Log) -> list[Interpreter]:
    """Interpreters of this machine to try, the best first."""
    if plan.python_named:
        return [interpreters.choose(plan.python, log)]
    return interpreters.of_minors(_minors(plan, date))


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
            return _settled(task, interpreter, wheels_of)
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


def _settled(task: _Task, interpreter: Interpreter, wheels_of: frozenset[str]) -> Chosen:
    """With nothing built that has wheels elsewhere."""
    for _ in range(_ROUNDS):
        chosen = _on(task, interpreter, wheels_of)
        more = _built_without_need(task, chosen.compiled) - wheels_of
        if not more:
            break
        wheels_of |= more
    kept_answers.keep(task.question, _Known(interpreter.kind[1], tuple(sorted(wheels_of))))
    return chosen


def _brought(minors: Sequence[str], log: Log) -> Iterator[Interpreter]:
    """Those that uv can install, one after the other."""
    for minor in minors:
        try:
            yield interpreters.choose(SpecifierSet(f"=={minor}.*"), log)
        except EnvironmentBuildException as error:
            log(error.message.splitlines()[0])


def _seeds(task: _Task, interpreter: Interpreter) -> tuple[str, ...]:
    work = task.folder.with_suffix(".seeds")
    work.mkdir(mode=0o700, exist_ok=True)
    return seeding.of_a_date(task.date, task.spec, interpreter, task.log, folder=work, held=task.held)


def _on(task: _Task, interpreter: Interpreter, wheels_of: frozenset[str]) -> Chosen:
    try:
        seeds = _seeds(task, interpreter)
    except uv_process.UvFailed as error:
        cause = causes.of_the_index(error.tail) or "pip, setuptools and wheel of that day cannot be had."
        raise EnvironmentBuildException(f"{cause}\n{error.tail}") from error
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
