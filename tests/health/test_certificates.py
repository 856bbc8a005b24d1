"""Certificates of endpoints, as the doctor sees them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

import faena.server.app  # noqa: F401  adds the tables of all features
from faena.endpoints.schemas import Settings, Tls
from faena.health.certificates import _end_of, check_certificates
from faena.health.finding import Finding, State
from faena.health.subject import Subject
from faena.server.node_listener.certificate import _new

_DAY = 86_400_000_000


@pytest.fixture
def found(subject: Subject, tmp_path: Path) -> Path:
    """The certificate of an endpoint of the subject's: for ten years."""
    pem, _ = _new(["localhost"])
    path = tmp_path / "certificate.pem"
    path.write_bytes(pem)
    settings = msgspec.json.encode(Settings(tls=Tls(str(path), str(tmp_path / "key.pem"))))
    plain = msgspec.json.encode(Settings())
    assert subject.database is not None
    with closing(sqlite3.connect(subject.database)) as connection, connection:
        for name, given in (("shop", settings), ("plain", plain), ("damaged", b"{")):
            connection.execute(
                "INSERT INTO endpoints (name, created_at, updated_at, version, settings, latest, traffic, state) "
                "VALUES (?, 0, 0, 1, ?, 1, '{}', 'Healthy')",
                (name, given),
            )
    return path


def look(subject: Subject, days: float = 0.0) -> list[Finding]:
    return list(check_certificates(replace(subject, now=int(subject.now + days * _DAY))))


def test_one_that_ends_is_told_of_before_and_after(subject: Subject, found: Path) -> None:
    (good,) = look(subject)
    assert (good.state, good.found.startswith("1; the first ends on ")) == (State.OK, True)
    end = (_end_of(found).timestamp() * 1e6 - subject.now) / _DAY
    (soon,), (over,) = look(subject, end - 5), look(subject, end + 0.01)
    assert (soon.state, soon.found.startswith("that of the endpoint shop ends on ")) == (State.WARNING, True)
    assert over.found.endswith(": clients refuse it")
    assert over.remedy == "Webservice(ws, 'shop').update(ssl_cert_pem_file=…, ssl_key_pem_file=…)"


@pytest.mark.parametrize("content", [None, b"", b"no certificate", bytes(1000)])
def test_one_that_cannot_be_read_is_named(subject: Subject, found: Path, content: bytes | None) -> None:
    found.unlink() if content is None else found.write_bytes(content)
    (said,) = look(subject)
    assert said.state is State.PROBLEM
    assert said.found.startswith(f"{found} of the endpoint shop cannot be read: ")


def test_where_no_endpoint_has_one_nothing_is_said(subject: Subject) -> None:
    assert look(subject) == []
