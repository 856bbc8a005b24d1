"""A store whose folder is removed under it goes on, and hides nothing of what went with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from faena.kernel.errors import NotFound
from faena.objects.files import FolderObjects


@pytest.mark.parametrize("removed", ["objects", "objects/incoming"])
def test_bytes_are_kept_after_it(tmp_path: Path, removed: str) -> None:
    objects = FolderObjects(tmp_path / "objects")
    before, _ = objects.put([b"before"])
    shutil.rmtree(tmp_path / removed)
    source = tmp_path / "file"
    source.write_bytes(b"a file")
    digests = [objects.put([b"after"])[0], *objects.put_all([b"of many"]), objects.put_file(source)[0]]
    assert [objects.open(each).read() for each in digests] == [b"after", b"of many", b"a file"]
    if removed == "objects":
        with pytest.raises(NotFound):
            objects.open(before)
