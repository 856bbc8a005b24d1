"""Requirements to exact versions with hashes: uv resolves, the table of bounds looks at what came of it."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from faena.environments import (
    archives,
    asked_indexes,
    auto_date,
    azureml,
    bounds,
    catalogue,
    causes,
    cutoffs,
    pylock,
    seeding,
    uv_process,
)
from faena.environments.bounds import Bound
from faena.environments.folders import Log
from faena.environments.index_pages import Indexes
from faena.environments.known_metadata import uv_settings
from faena.environments.leaks import Undated
from faena.environments.lock_text import Compiled, blocks, sorted_out
from faena.environments.model import EnvironmentSpec, Interpreter
from faena.environments.pylock import Files
from faena.environments.requirements import name_of
from faena.environments.schemas import ArchiveRequest
from faena.kernel import dates
from faena.kernel.errors import EnvironmentBuildException
from faena.kernel.plural import counted

# What a user's uv.toml could say otherwise about the form of the output is said here.
_COMPILE = [
    *("pip", "compile", "--quiet", "--generate-hashes", "--no-header", "--no-annotate", "--strip-extras"),
    *("--no-emit-index-url", "--no-emit-find-links", "--no-emit-build-options", "--no-emit-index-annotation"),
]
_ROUNDS = 4
RESOLVING = "Resolving "
"""How the log's line begins that says what is asked for."""


def compiled(
    spec: EnvironmentSpec,
    plan: catalogue.Plan,
    interpreter: Interpreter,
    log: Log,
    *,
    folder: Path,
    earlier: str,
    held: int,
    dated: Dated | None = None,
) -> Compiled:
    """Exact versions of all that is asked for, those of `earlier` (a lock's text) where they still fit.

    `folder` is made for the work and goes after it. Raises EnvironmentBuildException.
    """
    settled = catalogue.settle(plan, interpreter)
    for note in settled.notes:
        log(note)
    started = time.monotonic()
    with _work_folder(folder):
        leaks = None if dated is None else Undated(log, dated.indexes)
        work = _Work(spec, plan, settled.requirements, interpreter, folder, earlier, held, log, dated, leaks)
        log(f"{RESOLVING}{', '.join([*settled.requirements, *work.archives])}")
        try:
            files = _guarded(work)
        except uv_process.UvFailed as error:
            said = [_what_failed(work, error.tail), "" if work.leaks is None else work.leaks.tell()]
            raise EnvironmentBuildException(f"{' '.join(filter(None, said))}\n{error.tail}") from error
        if work.leaks is not None:
            work.leaks.tell()
    found = sorted_out(files.requirements, spec)._replace(from_source=files.from_source, files=files.listed)
    count = len(blocks(found.requirements)) + len(found.archives)
    log(f"Resolved {counted(count, 'package')} in {time.monotonic() - started:.1f} s")
    return found


class Dated(NamedTuple):
    """A resolution as of a date."""

    date: str
    undated: tuple[str, ...]
    wheels_of: frozenset[str]
    """Packages that are not built from source, since they have wheels for some Python."""
    seeds: tuple[str, ...]
    """`pip==19.2.3`: what the environment has without being asked."""
    find_links: str
    """The folder of files that are let in without a date; empty: none are."""
    indexes: Indexes


class _Work(NamedTuple):
    spec: EnvironmentSpec
    plan: catalogue.Plan
    requirements: tuple[str, ...]
    interpreter: Interpreter
    folder: Path
    earlier: str
    held: int
    log: Log
    dated: Dated | None
    leaks: Undated | None

    @property
    def asked(self) -> list[str]:
        """What the user or a framework asked for; what stands for v1's SDK is not theirs to change."""
        given = {*self.spec.packages, *self.spec.conda_packages}
        named = [each for each in self.requirements if each not in azureml.STAND_INS or each in given]
        return [*named, *self.archives]

    @property
    def archives(self) -> list[str]:
        return [each.given or each.filename for each in self.spec.archives]


def _guarded(work: _Work) -> Files:
    """Resolve; where versions came together that are known not to work together, again with those bounds.

    Bounds that what was asked for rules out are left out: the user wins, and the log says so.
    """
    files = _run(work, ())
    kept: tuple[Bound, ...] = ()
    refused: set[Bound] = set()
    for _ in range(_ROUNDS):
        new = tuple(
            each for each in bounds.broken(files.requirements) if each not in kept and each not in refused
        )
        if not new:
            break
        whole = _tried(work, (*kept, *new))
        # Where not all can hold, one after the other: those that can are kept.
        for step in (new,) if whole is not None else ((each,) for each in new):
            found = whole if whole is not None else _tried(work, (*kept, *step))
            if found is None:
                refused |= set(step)
                continue
            files, kept = found, (*kept, *step)
            for each in step:
                work.log(f"{each.because} {each.why}: {each.requirement} is asked for as well.")
    for each in bounds.broken(files.requirements):
        work.log(
            f"{each.because} {each.why}, and what was asked for allows no {each.requirement}: left as asked."
        )
    return files


def _tried(work: _Work, guards: Sequence[Bound]) -> Files | None:
    """None where it cannot be had."""
    try:
        return _run(work, guards)
    except uv_process.UvFailed:
        return None


def _run(work: _Work, guards: Sequence[Bound]) -> Files:
    folder, spec, dated = work.folder, work.spec, work.dated
    names = ("wanted.txt", "constraints.txt", "build.txt", "locked.txt" if dated is None else "pylock.toml")
    wanted, constraints, build, output = (folder / name for name in names)
    brought = [_line(archive) for archive in spec.archives]
    needed = [each.requirement for each in guards if each.needed]
    seeds = [] if dated is None else seeding.wanted(dated.seeds, work.requirements)
    wanted.write_text(_lines([*work.requirements, *brought, *needed, *seeds]))
    (folder / uv_process.SETTINGS).write_text(uv_settings(wanted.read_text()))
    bounding = [each.requirement for each in guards if not each.needed]
    constraining = {
        "--constraints": (constraints, [*spec.pip.constraints, *bounding]),
        "--build-constraints": (build, work.plan.build_constraints),
    }
    if dated is None:
        output.write_text(work.earlier)
    else:
        output.unlink(missing_ok=True)  # versions of a date need no earlier ones to stay what they are
    # Of files without a date uv tells where it is not quiet.
    form = _COMPILE if dated is None else [word for word in _COMPILE if word != "--quiet"]
    arguments: list[str | Path] = [*form, *uv_process.index_options(spec.pip, resolving=True)]
    # A bound is no reason to build from source what has no wheel for this interpreter.
    kept_from_source = {":all:", *(each.name for each in guards)} & {*map(str.lower, spec.pip.no_binary)}
    if not kept_from_source:
        arguments += [word for each in guards for word in ("--only-binary", each.name)]
    for option, (file, lines) in constraining.items():
        if lines:  # uv warns of an empty file
            file.write_text(_lines(lines))
            arguments += [option, file]
    arguments += ["--python", work.interpreter.path, "--output-file", output, wanted]
    variables = uv_process.environment(spec.index_urls, spec.credentials(), spec.pip)
    if dated is not None:
        arguments += cutoffs.options(dated.date, dated.undated)
        arguments += [word for name in sorted(dated.wheels_of) for word in ("--only-binary", name)]
        variables = cutoffs.variables(variables, dated.find_links)
    elif spec.as_of == dates.TODAY and cutoffs.of_this_machine()[0]:
        arguments += cutoffs.only_by_date(dt.datetime.now(dt.UTC).date().isoformat())
    # A second look at what is known already need not be shown, unless it fails in the end.
    log = (lambda line: None) if guards else work.leaks or work.log
    uv_process.run(arguments, log, cwd=folder, variables=variables, inherit=[work.held])
    if dated is None:
        return Files(output.read_text(), {}, {})
    return pylock.read(output, sources=bool(spec.pip.hashes))


def _line(archive: ArchiveRequest) -> str:
    place = archives.verified(archive).as_uri()
    extras = f"[{','.join(archive.extras)}]" if archive.extras else ""
    marker = f" ; {archive.marker}" if archive.marker else ""
    return f"{archive.name}{extras} @ {place}{marker}" if archive.name else f"{place}{extras}{marker}"


def _lines(values: Sequence[str]) -> str:
    return "".join(f"{value}\n" for value in values)


def _what_failed(work: _Work, tail: str) -> str:
    """What went wrong and what to do, read from what uv said."""
    if cause := causes.of_the_index(tail):
        return f"{cause} Asked for: {', '.join(work.asked)}."
    version = work.interpreter.version
    asked = work.asked
    if len(asked) == 1:
        return f"The package {asked[0]} cannot be had on Python {version}. {_remedy(work, tail)}"
    return (
        f"The packages {', '.join(asked)} cannot be had together on Python {version}. {_remedy(work, tail)}"
    )


def _remedy(work: _Work, tail: str) -> str:
    said = " ".join(tail.split())
    lacking = [name for name in work.plan.guessed if re.search(rf"\b{re.escape(name)} was not found", said)]
    if lacking:
        return (
            f"The package index has no {', '.join(lacking)}, which is what conda calls it. Write what pip installs "
            "for it into pip_packages, or leave it out of conda_packages."
        )
    if "--index-strategy" in said:
        return (
            "An index that is asked first has a package of that name in other versions, and a name that it has is "
            "taken from it alone, so that nobody else's package can slip in. Ask for a version that it has; or, where "
            "all indexes are trusted alike, set UV_INDEX_STRATEGY=unsafe-best-match for whoever starts the server."
        )
    special = [each for each in work.requirements if "+" in each and name_of(each) in said]
    if special:
        return (
            f"{', '.join(special)} names a build that the index does not have. Leave out what stands behind the '+', "
            "or name the index that has it by --extra-index-url."
        )
    remedy = causes.of_a_package(tail) or "Change the packages or the Python version."
    return remedy if work.dated is not None else remedy + _of_its_time(work)


def _of_its_time(work: _Work) -> str:
    """The date that would do, where an old version is asked for; looked up only when something failed."""
    indexes = asked_indexes.of(work.spec, lambda line: None, work.folder, work.held)
    return auto_date.suggestion(work.requirements, indexes, dt.datetime.now(dt.UTC).date())


@contextmanager
def _work_folder(path: Path) -> Iterator[None]:
    """An empty folder while the lock is held; what a killed process left in it goes first."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    try:
        yield
    finally:
        shutil.rmtree(path, ignore_errors=True)
