"""What uv is told so that it sees the packages of a date and nothing later, when it resolves and when it installs."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Mapping

from faena.kernel import dates, uv_files

_BUILD_TOOLS = dt.date(2021, 12, 31)
"""What builds source distributions is no older: before 2019-02-05 there is no setuptools that uv's builds could use,
and those of this day build what was written for older ones."""
_OLD_SETUPTOOLS = "setuptools<60"
"""60 hides distutils behind its own copy, which setup scripts of numpy and others do not survive."""

SEEDS = ("pip", "setuptools", "wheel")
"""What environments of that time had without being asked, as conda and virtualenv made them."""


def options(date: str, undated: Iterable[str] = ()) -> list[str]:
    """uv's options: files of the day itself count, days are those of UTC. `undated`: names whose files need no date."""
    day = dates.day_of(date)
    found = ["--exclude-newer", _end_of(day)]
    free = sorted(set(undated))
    found += [word for name in free for word in ("--exclude-newer-package", f"{name}=false")]
    if has_later_build_tools(day):
        for name in ("setuptools", "wheel"):
            if name not in free:
                found += ["--exclude-newer-package", f"{name}={_end_of(_BUILD_TOOLS)}"]
    return found


def only_by_date(date: str) -> list[str]:
    """The same without what builds need: for the tools that are in the environment itself."""
    return ["--exclude-newer", _end_of(dates.day_of(date))]


def build_constraints(date: str) -> tuple[str, ...]:
    """What isolated builds of source distributions may use."""
    return (_OLD_SETUPTOOLS,) if has_later_build_tools(dates.day_of(date)) else ()


def has_later_build_tools(day: dt.date) -> bool:
    """Whether what builds need is of a later day than all else."""
    return day < _BUILD_TOOLS


def variables(given: Mapping[str, str], find_links: str = "") -> dict[str, str]:
    """uv's variables without dates and links of this machine, which options and the spec stand for."""
    dropped = ("UV_EXCLUDE_NEWER", "UV_EXCLUDE_NEWER_PACKAGE", "UV_FIND_LINKS")
    found = {name: value for name, value in given.items() if name not in dropped}
    return found | ({"UV_FIND_LINKS": find_links} if find_links else {})


def of_this_machine() -> tuple[str, str]:
    """The date that `UV_EXCLUDE_NEWER`, or a file of uv's, says where this process runs, and which of them.

    Both are empty where none does, or a span of time.
    """
    if said := os.environ.get("UV_EXCLUDE_NEWER", ""):
        return dates.cutoff_of_uv(said), "UV_EXCLUDE_NEWER"
    return uv_files.of_user(os.environ)


def _end_of(day: dt.date) -> str:
    # uv reads a bare date in this machine's time zone
    return f"{day + dt.timedelta(days=1)}T00:00:00Z"
