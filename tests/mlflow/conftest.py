from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mlflow.clients import Client
from tests.server.house import Running, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("mlflow")) as found:
        yield found


@pytest.fixture(scope="module")
def client(server: Running) -> Client:
    return Client(server.client())
