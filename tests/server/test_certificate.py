"""The listeners' own certificate, and pairs that cannot be used."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faena.kernel.errors import ServiceException
from faena.server.node_listener import certificate


def test_those_that_begin_at_once_have_the_same_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(4)
    alone = certificate._alone

    def all_have_found_none(path: Path) -> object:
        together.wait(10)
        return alone(path)

    monkeypatch.setattr(certificate, "_alone", all_have_found_none)
    with ThreadPoolExecutor(4) as processes:
        found = list(processes.map(lambda _: certificate.own(tmp_path / "team", ["127.0.0.1"]), range(4)))
    assert len({each.fingerprint for each in found}) == 1
    certificate.check_pair(found[0].certificate, found[0].key)


def test_a_key_of_another_certificate_is_told_of(tmp_path: Path) -> None:
    first, second = (certificate.own(tmp_path / name, ["127.0.0.1"]) for name in "ab")
    with pytest.raises(ServiceException, match="cannot be used together"):
        certificate.check_pair(first.certificate, second.key)


def test_a_key_behind_a_password_is_told_of_and_nobody_is_asked(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    own = certificate.own(tmp_path / "a", ["127.0.0.1"])
    key = serialization.load_pem_private_key(own.key.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"secret")
    form = serialization.PrivateFormat.PKCS8
    own.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, locked))
    with pytest.raises(ServiceException, match="cannot be used together"):
        certificate.check_pair(own.certificate, own.key)
