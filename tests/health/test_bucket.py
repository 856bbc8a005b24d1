"""The doctor and a workspace whose objects are in a bucket."""

from __future__ import annotations

import hashlib

from faena.db import Database
from faena.health.finding import State
from faena.health.subject import Subject
from faena.objects import store
from faena.objects.files import FolderObjects
from faena.workspaces.objects_place import Place, choose
from tests.health.ground import findings


def test_what_is_not_in_the_folder_is_not_missing(subject: Subject) -> None:
    assert subject.folder is not None
    assert subject.database is not None
    choose(subject.folder, Place("s3://team/faena"))
    files = FolderObjects(subject.folder / "objects")
    near, _ = files.put([b"near"])
    database = Database(subject.database)
    far = hashlib.sha256(b"far").hexdigest()
    database.submit_write(lambda write: store.touch(write, {near: 4, far: 3}, 1)).result()
    database.close()
    found = findings(subject, "Objects")
    assert {finding.state for finding in found.values()} == {State.OK}
    assert "s3://team/faena has them, 1 of 2 lie in the folder" in found["missing objects"].found
    files.path(near).chmod(0o600)
    files.path(near).write_bytes(b"lost")
    assert "those in the bucket are fetched instead" in findings(subject, "Objects")["object contents"].found
