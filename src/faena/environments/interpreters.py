"""Finds the interpreter that an environment is made of.

uv finds those on PATH and its own, but runs pyenv's shims, which fail where that version is not chosen; offline
the versions that pyenv, conda and the like hold are all there is. So the folders are looked through here and uv
is given a path.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from faena.environments import probe, python_releases, user_pythons, uv_process
from faena.environments.folders import Log
from faena.environments.model import Interpreter
from faena.environments.requirements import shown
from faena.environments.user_pythons import is_program, subfolders
from faena.kernel import settings
from faena.kernel.errors import EnvironmentBuildException, UserErrorException
from faena.kernel.python36 import versions

_SERVES = (3, 8)
"""The oldest that models are served on."""
_NAMES = ("python3", "python", *(f"python3.{minor}" for minor in range(6, 30)))


def choose(wanted: SpecifierSet, log: Log, *, preferred: str | None = None) -> Interpreter:
    """The newest interpreter that suits; one that lacks parts of its standard library only if there is no other.

    preferred: nobody asked for a version, so one of this minor version is taken where it suits and is complete,
    the Python that runs Faena before others.
    Installs one by uv where none suits. Raises `EnvironmentBuildException` naming the command to run where that fails.
    """
    chosen = _best(wanted, preferred)
    if chosen is None:
        _install(wanted, log)
        chosen = _best(wanted, preferred)
    if chosen is None:
        raise _none_suits(wanted, "uv installed one, but it does not answer")
    if chosen.missing:
        log(
            f"{chosen.base} is used, the best there is here for {_text(wanted)}, though it was built without "
            f"{', '.join(chosen.missing)}."
        )
    return chosen.interpreter()


def find(wanted: SpecifierSet) -> Interpreter | None:
    """The interpreter that `choose` takes where one is on this machine, else None; nothing is installed."""
    found = _best(wanted, None)
    return found.interpreter() if found else None


def of_minors(minors: Sequence[str]) -> list[Interpreter]:
    """The best interpreter of this machine for each of the minor versions that there is one of, in their order."""
    answers = probe.ask(_possible(minors)).values()
    found = [pick(answers, SpecifierSet(f"=={minor}.*")) for minor in minors]
    return [each.interpreter() for each in found if each is not None]


def first_of_minors(minors: Sequence[str]) -> Interpreter | None:
    """The first of `of_minors`, without asking those of later versions whose names say what they are."""
    possible = _possible(minors)
    for minor in minors:
        answers = probe.ask([path for path in possible if versions.named(path) in (None, _pair(minor))])
        if found := pick(answers.values(), SpecifierSet(f"=={minor}.*")):
            return found.interpreter()
    return None


def _possible(minors: Sequence[str]) -> list[str]:
    """Starting each of a dozen to hear its version takes longer than all the rest."""
    wanted = [None, *map(_pair, minors)]
    return [path for path in (_running(), *_candidates()) if versions.named(path) in wanted]


def _pair(minor: str) -> tuple[int, int]:
    return 3, int(minor.partition(".")[2])


def seen() -> list[probe.Answer]:
    """What the interpreters of this machine answer, each installation once. Nothing on disk is changed."""
    answers = probe.ask([_running(), *_candidates()], keep=False).values()
    return list({answer.base: answer for answer in answers}.values())


def existing(path: str, *, serves: bool = False) -> Interpreter:
    """An interpreter that is used as it is. Raises `UserErrorException` if it is none or too old.

    `serves`: for a model that answers in it, else for scripts.
    """
    answer = probe.ask([path]).get(path)
    if answer is None:
        minor = versions.minor_of(path)
        if minor is not None and minor < versions.OLDEST:
            raise _too_old(path, "{}.{}".format(*minor))
        what = "does not answer as a Python 3" if Path(path).exists() else "is not there"
        raise UserErrorException(
            f"The interpreter {shown(path)} {what}. Give the path of a Python 3.6 or newer."
        )
    if Version(answer.version).release[:2] < versions.OLDEST:
        raise _too_old(path, answer.version)
    if serves and Version(answer.version).release[:2] < _SERVES:
        raise UserErrorException(
            f"The interpreter {shown(path)} is Python {answer.version}. It can train, but models are served by "
            "3.8 or newer: give the path of one that reads what was saved, or packages."
        )
    return answer.interpreter(path)


def _too_old(path: str, version: str) -> UserErrorException:
    rewritten = " and rewrite a script of Python 2 first (2to3 does most of it)" if version[0] == "2" else ""
    return UserErrorException(
        f"The interpreter {shown(path)} is Python {version}. Training scripts need 3.6 or newer: give the path of "
        f"one{rewritten}."
    )


def lacks(path: str, modules: Iterable[str]) -> list[str]:
    """Those of the modules that an interpreter does not find. Raises `UserErrorException` as `existing`."""
    existing(path)
    code = (
        "import importlib.util, sys; print(*(m for m in sys.argv[1:] if importlib.util.find_spec(m) is None))"
    )
    command = [path, "-c", code, *modules]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split()


def conda_environments() -> dict[str, Path]:
    """This machine's conda environments that hold a Python: name -> interpreter. Looks at folders alone."""
    folders = [folder for root in _conda_roots() for folder in subfolders(root / "envs")]
    folders += [prefix for prefix in _conda_prefixes() if prefix.parent.name == "envs"]
    found = {folder.name: folder / "bin" / "python3" for folder in folders}
    for root in reversed(_conda_roots()):
        if is_program(root / "bin" / "python3"):
            found["base"] = root / "bin" / "python3"
    return {name: path for name, path in found.items() if is_program(path)}


def _best(wanted: SpecifierSet, preferred: str | None) -> probe.Answer | None:
    own = _running()
    if preferred is None:
        return pick(probe.ask([own, *_candidates()]).values(), wanted)
    like = SpecifierSet(f"=={preferred}.*")
    running = probe.ask([own]).get(own)
    if running is not None and not running.missing and _suits(running, wanted & like):
        return running  # the others, dozens perhaps, need not be asked
    answers = probe.ask([own, *_candidates()])
    if running is None or not like.contains(running.version):
        running = pick(answers.values(), wanted & like) or running
    return pick(answers.values(), wanted, preferred=running)


def pick(
    answers: Iterable[probe.Answer], wanted: SpecifierSet, *, preferred: probe.Answer | None = None
) -> probe.Answer | None:
    """The best of those that suit: complete, then newest minor version, then able to compile, then newest.

    `preferred` wins where it suits and is complete. Pre-releases, builds without the GIL and other implementations
    than CPython are left out: few packages have wheels for them.
    """
    if preferred is not None and _suits(preferred, wanted) and not preferred.missing:
        return preferred
    return max((each for each in answers if _suits(each, wanted)), key=_rank, default=None)


def _suits(answer: probe.Answer, wanted: SpecifierSet) -> bool:
    common = answer.final and answer.gil and answer.implementation == "CPython"
    return common and wanted.contains(answer.version)


def _rank(answer: probe.Answer) -> tuple[bool, Version, bool, Version]:
    version = Version(answer.version)
    return not answer.missing, Version(f"{version.major}.{version.minor}"), answer.headers, version


def _running() -> str:
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def _candidates() -> Iterator[str]:
    for folder in dict.fromkeys(os.environ.get("PATH", os.defpath).split(os.pathsep)):
        if folder:
            yield from (name for each in _NAMES if is_program(name := f"{folder.rstrip('/')}/{each}"))
    yield from user_pythons.paths()
    for root in _version_folders():
        yield from (
            str(path) for folder in subfolders(root) if is_program(path := folder / "bin" / "python3")
        )
    for prefix in _conda_prefixes():
        if is_program(path := prefix / "bin" / "python3"):
            yield str(path)


def _version_folders() -> Iterator[Path]:
    """Folders whose subfolders are installations of Python."""
    user = Path.home()
    share = Path(os.environ.get("XDG_DATA_HOME") or user / ".local" / "share")
    managers = _managers_on_path()
    for root in dict.fromkeys((os.environ.get("PYENV_ROOT"), str(user / ".pyenv"), *managers)):
        if root:
            yield Path(root) / "versions"
    yield Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or share / "uv" / "python")
    for root in dict.fromkeys((os.environ.get("ASDF_DATA_DIR") or str(user / ".asdf"), *managers)):
        yield Path(root) / "installs" / "python"
    yield Path(os.environ.get("MISE_DATA_DIR") or share / "mise") / "installs" / "python"
    yield from (root / "envs" for root in _conda_roots())


def _managers_on_path() -> list[str]:
    """Roots of version managers (pyenv, asdf) whose shims are on PATH, whatever the home folder is."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return [str(Path(folder).parent) for folder in folders if Path(folder).name == "shims"]


def _conda_roots() -> list[Path]:
    names = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", ".conda")
    roots = [Path.home() / name for name in names] + [Path("/opt/conda")]
    if executable := os.environ.get("CONDA_EXE"):
        roots.append(Path(executable).parent.parent)
    return list(dict.fromkeys(roots))


def _conda_prefixes() -> Iterator[Path]:
    yield from _conda_roots()
    if active := os.environ.get("CONDA_PREFIX"):
        yield Path(active)
    try:
        listed = (Path.home() / ".conda" / "environments.txt").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        listed = []
    yield from (Path(line.strip()) for line in listed if line.strip().startswith("/"))


def _install(wanted: SpecifierSet, log: Log) -> None:
    if not any(wanted.contains(f"3.{minor}.{patch}") for minor in range(8, 30) for patch in range(40)):
        raise _none_suits(wanted, "")
    log(f"No Python on this machine suits {_text(wanted)}; asking uv to install one.")
    try:
        uv_process.run(
            ["python", "install", _text(wanted)], log, cwd=settings.home(), variables=uv_process.environment()
        )
    except uv_process.UvFailed as error:
        raise _none_suits(wanted, error.tail) from error


def _none_suits(wanted: SpecifierSet, cause: str) -> EnvironmentBuildException:
    old = next((minor for minor in ("3.7", "3.6") if wanted.contains(f"{minor}.17")), None)
    if old is not None and not wanted.contains("3.8.20"):
        return EnvironmentBuildException(
            f"No Python on this machine suits {_text(wanted)}. {python_releases.how_to_have(old)}"
        )
    return EnvironmentBuildException(
        f"No Python on this machine suits {_text(wanted)} and none could be installed. "
        f"With network access run: uv python install '{_text(wanted)}'\n{cause}"
    )


def _text(wanted: SpecifierSet) -> str:
    """`>=3.8,<3.12`, in the same order each time."""
    return ",".join(sorted(map(str, wanted), reverse=True))
