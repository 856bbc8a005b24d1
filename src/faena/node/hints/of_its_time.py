"""The date as of which an old framework and its neighbours were of one time: what it was built and tried with."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from faena.node.hints.reading import Raised
from faena.node.hints.world import World

_OF_VERSIONS = frozenset({"AttributeError", "ImportError", "ModuleNotFoundError", "TypeError"})
"""What a package raises that meets a neighbour which is too new for it."""
_IN_PACKAGES = re.compile(r"[/\\]site-packages[/\\]")
_GROWN_UP = dt.timedelta(days=90)
_MOST_LISTED = 5000
_LOCK = "lock.json"
_RELEASED = {
    "tensorflow": (
        "1.10 2018-08-08, 1.11 2018-09-27, 1.12 2018-11-06, 1.13 2019-02-26, 1.14 2019-06-19, 1.15 2019-10-16, "
        "2.0 2019-09-30, 2.1 2020-01-08, 2.2 2020-05-07, 2.3 2020-07-27, 2.4 2020-12-14, 2.5 2021-05-13, "
        "2.6 2021-08-11, 2.7 2021-11-04"
    ),
    "torch": (
        "1.0 2018-12-07, 1.1 2019-04-30, 1.2 2019-08-08, 1.3 2019-10-10, 1.4 2020-01-15, 1.5 2020-04-21, "
        "1.6 2020-07-28, 1.7 2020-10-27, 1.8 2021-03-04, 1.9 2021-06-15, 1.10 2021-10-21"
    ),
    "chainer": "5 2018-10-25, 6 2019-05-16, 7 2019-12-05",
    "keras": "2.2 2018-06-06, 2.3 2019-09-17, 2.4 2020-06-17",
    "scikit_learn": "0.20 2018-09-26, 0.21 2019-05-10, 0.22 2020-01-02, 0.23 2020-05-12, 0.24 2020-12-22",
    "xgboost": "0.82 2019-03-05, 0.90 2019-05-20, 1.0 2020-02-20, 1.1 2020-05-17",
}
"""First day of each release, as the package index has it."""
_SAME = {"tensorflow_gpu": "tensorflow", "tensorflow_cpu": "tensorflow"}


def advise(raised: Raised, world: World) -> str:
    """A sentence with the date, for an error of versions inside of packages; empty where none is known to do."""
    if raised.kind not in _OF_VERSIONS or not world.built or not _IN_PACKAGES.search(raised.traceback):
        return ""
    environment = Path(world.python).parent.parent
    if _is_dated(environment):
        return ""
    found = max(_old(environment), default=None)
    if found is None:
        return ""
    released, name = found
    return (
        f"Or take all packages as of the time of {name}: --as-of {released + _GROWN_UP} "
        f"(as_of={(released + _GROWN_UP).isoformat()!r})."
    )


def _old(environment: Path) -> Iterator[tuple[dt.date, str]]:
    """Releases of the table that are installed, each with its day."""
    for installed in islice(environment.glob("lib/python3*/site-packages/*.dist-info"), _MOST_LISTED):
        name, _, version = installed.name[: -len(".dist-info")].partition("-")
        key = re.sub(r"[-_.]+", "_", name).lower()
        for release in _RELEASED.get(_SAME.get(key, key), "").split(", "):
            minor, _, day = release.partition(" ")
            if day and f"{version}.".startswith(f"{minor}."):
                yield dt.date.fromisoformat(day), f"{name} {version}"


def _is_dated(environment: Path) -> bool:
    try:
        return bool(json.loads((environment / _LOCK).read_bytes()).get("as_of"))
    except (OSError, ValueError, AttributeError):
        return False
