"""Addresses that name several hosts of PostgreSQL."""

from __future__ import annotations

import pytest

from faena.db.hosts import several_hosts

ONE = ["postgresql://ada:a,b@db/faena", "postgresql:///faena?host=/run/a", "postgresql://db:5433/faena?x=1"]


@pytest.mark.parametrize("url", ONE)
def test_one_host_is_as_it_was(url: str) -> None:
    assert several_hosts(url) == url


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        (
            "postgresql://ada:w@db1:5432,db2:5433/faena",
            "postgresql://ada:w@/faena?host=db1%2Cdb2&port=5432%2C5433&target_session_attrs=primary",
        ),
        (
            "postgresql://db1,db2/faena?target_session_attrs=read-write",
            "postgresql:///faena?host=db1%2Cdb2&port=%2C&target_session_attrs=primary",
        ),
        (
            "postgresql://db1,[::1]:5433/faena?target_session_attrs=any",
            "postgresql:///faena?host=db1%2C%3A%3A1&port=%2C5433&target_session_attrs=any",
        ),
    ],
)
def test_of_several_the_one_is_used_that_can_be_written(url: str, meant: str) -> None:
    assert several_hosts(url) == meant
