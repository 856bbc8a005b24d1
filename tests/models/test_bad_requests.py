"""What no client of ours sends to the registry: each gets an error that names it, and the server goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from faena import Model, Workspace
from faena.kernel.errors import FaenaError, ServiceException

LOCAL = "/models/net/registrations/r9/local"
VERSION = "/models/net/versions/1"
REQUESTS: list[tuple[str, str, Any]] = [
    ("PUT", LOCAL, {"path": "relative"}),
    ("PUT", LOCAL, {"path": ""}),
    ("PUT", LOCAL, {"path": "/a\0b"}),
    ("PUT", LOCAL, {"path": "/" + "a" * 5000}),
    ("PUT", LOCAL, {"path": "/" + "a/" * 3000}),
    ("PUT", LOCAL, {"path": "file:///etc/hostname"}),
    ("PUT", LOCAL, {"path": "//nowhere/../nothing"}),
    ("PUT", LOCAL, {"path": "/dev/zero"}),
    ("PUT", LOCAL, {"path": "/proc/self/mem"}),
    ("PUT", LOCAL, {"path": "/etc", "child_paths": ["../home"]}),
    ("PUT", LOCAL, {"path": 3}),
    ("PUT", LOCAL, {}),
    ("PUT", LOCAL, {"path": "/etc/hostname", "typo": 1}),
    ("PUT", LOCAL, {"path": "/etc/hostname", "tags": {"a": 1}}),
    ("PUT", LOCAL, {"path": "/etc/hostname", "framework_version": "1"}),
    ("PUT", LOCAL, {"path": "/etc/hostname", "datasets": [["a", "b"]]}),
    ("PUT", "/models/a%2Fb/registrations/r9/local", {"path": "/etc/hostname"}),
    ("PUT", "/models/..%2f..%2fx/registrations/r9/local", {"path": "/etc/hostname"}),
    ("PUT", "/models/%2e%2e/registrations/r9/local", {"path": "/etc/hostname"}),
    ("PUT", f"/models/{'x' * 10_000}/registrations/r9/local", {"path": "/etc/hostname"}),
    ("PUT", f"/models/{quote('🙂' * 64)}/registrations/r9/local", {"path": "/etc/hostname"}),
    ("PUT", "/models/net/registrations/r9", {"run_id": "none", "path": "x"}),
    ("GET", "/models?tags=x", None),
    ("GET", "/models?tags=[[]]", None),
    ("GET", "/models?tags=" + "[" * 5000, None),
    ("GET", '/models?properties={"a":"b"}', None),
    ("GET", "/models?version=99999999999999999999999", None),
    ("GET", "/models/net%00", None),
    ("PATCH", VERSION, {"tags": ["a"]}),
    ("PATCH", VERSION, {"name": "other"}),
    ("PATCH", VERSION, {"add_properties": {"p": "2"}}),
    ("PATCH", "/models/net/versions/9", {"description": "x"}),
    ("PATCH", f"/models/net/versions/{2**63}", {"description": "x"}),
    ("DELETE", "/models/net/versions/9", None),
    ("DELETE", "/models/net/versions/-1", None),
    ("DELETE", f"/models/net/versions/{2**64}", None),
    ("DELETE", "/models/net", None),
    ("DELETE", "/models/..%2fnet/versions/1", None),
]


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


@pytest.mark.long
def test_are_refused_and_the_server_goes_on(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"m")
    before = Model.register(workspace, tmp_path / "m", "net", properties={"p": "1"}).view
    for method, path, body in REQUESTS:
        with pytest.raises(FaenaError) as caught:
            workspace.api.transport.json(method, path, body, timeout=60)
        assert not isinstance(caught.value, ServiceException), (method, path, body)
        assert caught.value.message
    assert [model.view for model in Model.list(workspace, "net")] == [before]


def test_many_tags_and_long_words_are_kept(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"m")
    tags = {f"key {number} <b>🙂": "v" * 1000 for number in range(2000)}
    model = Model.register(workspace, tmp_path / "m", "tagged", tags=tags, description="d" * 100_000)
    assert Model(workspace, "tagged").tags == tags
    model.remove_tags(list(tags))
    assert Model(workspace, "tagged").tags == {}
