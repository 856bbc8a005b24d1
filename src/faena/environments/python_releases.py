"""When Pythons came out: packages of a date were made for those that had been there for a while."""

from __future__ import annotations

import datetime as dt

RELEASED = {
    "3.6": dt.date(2016, 12, 23),
    "3.7": dt.date(2018, 6, 27),
    "3.8": dt.date(2019, 10, 14),
    "3.9": dt.date(2020, 10, 5),
    "3.10": dt.date(2021, 10, 4),
    "3.11": dt.date(2022, 10, 24),
    "3.12": dt.date(2023, 10, 2),
    "3.13": dt.date(2024, 10, 7),
    "3.14": dt.date(2025, 10, 7),
}
"""Minor version -> first release, oldest first."""

_LAST = {"3.6": "3.6.15", "3.7": "3.7.17"}
"""The last releases of those that uv does not bring."""

OLDEST_OF_UV = "3.8"
"""uv installs this one and newer."""
_UNTIL_WHEELS = dt.timedelta(days=90)


def minors_of(day: dt.date) -> list[str]:
    """Minor versions that packages of that day had wheels for, newest first: out for three months at least."""
    return [minor for minor, released in reversed(RELEASED.items()) if released + _UNTIL_WHEELS <= day]


def usable_from(minor: str) -> dt.date | None:
    """The first day on which `minors_of` has it; None: it is not known."""
    released = RELEASED.get(minor)
    return None if released is None else released + _UNTIL_WHEELS


def first_day() -> dt.date:
    """The first day that has a Python which scripts run on."""
    return next(iter(RELEASED.values())) + _UNTIL_WHEELS


def is_brought_by_uv(minor: str) -> bool:
    return _key(minor) >= _key(OLDEST_OF_UV)


def no_mpi(date: str) -> str:
    """Why ranks of MPI cannot be had as of a day before Python 3.8 was common."""
    first = usable_from(OLDEST_OF_UV)
    return (
        f"Ranks of MPI need mpi4py 4, which Pythons before {OLDEST_OF_UV} cannot have, and as of {date} there is no "
        f"other. Use {first} or a later day (as_of, --as-of), name a Python (python='{OLDEST_OF_UV}', --python "
        f"{OLDEST_OF_UV}), or give interpreter= one in which mpich and an mpi4py that was built with its mpicc are "
        "installed."
    )


def how_to_have(minor: str) -> str:
    """Three ways to have a Python, one of which needs no network."""
    version = _LAST.get(minor, minor)
    first = f"`uv python install {minor}`" if is_brought_by_uv(minor) else ""
    return (
        f"Have it by {first or f'`pyenv install {version}`'}; by `conda create -n py{minor.replace('.', '')} "
        f"python={minor}`; or, without a network, copy an installation of it from another machine and name its folder "
        "in FAENA_PYTHONS for whoever starts the server."
    )


def _key(minor: str) -> tuple[int, ...]:
    return tuple(map(int, minor.split(".")))
