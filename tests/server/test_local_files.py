"""Files of the server's own host that it is asked to take: what cannot be one is refused and never read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faena import Workspace
from faena.kernel.errors import UserErrorException

DIGEST = "0" * 64


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


@pytest.mark.parametrize(
    "path", ["", "/a\0b", "/" + "a" * 5000, "/dev/zero", "etc/passwd", "/etc", "/nowhere"]
)
def test_what_is_no_regular_file_is_named(workspace: Workspace, path: str) -> None:
    with pytest.raises(UserErrorException, match="There is no file") as refused:
        workspace.api.transport.json("PUT", f"/objects/{DIGEST}/file", {"path": path}, timeout=60)
    assert repr(path[:300]) in refused.value.message


def test_a_pipe_is_not_waited_for(workspace: Workspace, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    link = tmp_path / "link"
    link.symlink_to("pipe")
    for path in (tmp_path / "pipe", link):
        with pytest.raises(UserErrorException, match="There is no file"):
            workspace.api.transport.json("PUT", f"/objects/{DIGEST}/file", {"path": str(path)}, timeout=60)


def test_a_file_that_changed_since_its_digest_was_taken_is_named(
    workspace: Workspace, tmp_path: Path
) -> None:
    growing = tmp_path / "train.log"
    growing.write_text("line")
    with pytest.raises(UserErrorException, match=r"train\.log changed since its digest was taken"):
        workspace.api.take_file(DIGEST, growing)
