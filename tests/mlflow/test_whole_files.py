"""A large artifact is sent by the kernel while its bytes are verified: whole, or broken off before its end."""

from __future__ import annotations

import hashlib
import http.client
import os

import pytest

from tests.mlflow.clients import Client
from tests.objects.test_damage import lost_bits
from tests.server.house import Running

SIZE = (9 << 20) + 11


def test_a_large_file_comes_whole_and_a_part_of_it_as_ever(client: Client) -> None:
    run, data = client.run(client.new_run()), os.urandom(SIZE)
    assert client.put_artifact(run, "large.bin", data).status == 200
    answer = client.artifact(run, "large.bin")
    assert (answer.status, answer.body) == (200, data)
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["content-disposition"] == "attachment; filename=large.bin"
    rest = client.artifact(run, "large.bin", Range=f"bytes={SIZE - 5}-", If_Range=answer.headers["etag"])
    assert (rest.status, rest.body) == (206, data[-5:])


def test_bits_that_the_disk_lost_break_it_off_before_its_end(client: Client, server: Running) -> None:
    run, data = client.run(client.new_run()), os.urandom(SIZE)
    assert client.put_artifact(run, "large.bin", data).status == 200
    lost_bits(server.house.objects.files.path(hashlib.sha256(data).hexdigest()))  # type: ignore[attr-defined]  # a folder's
    with pytest.raises(http.client.IncompleteRead) as broken:
        client.artifact(run, "large.bin")
    assert len(broken.value.partial) < SIZE
    assert client.artifact(run, "large.bin").status == 503  # which is known now
