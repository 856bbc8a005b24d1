"""Snapshots, datastores, data sets, environments and objects."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from faena.data.schemas import SnapshotFile, manifest_digest
from faena.environments import store as lock_store
from faena.kernel import batches
from tests.pages.things import LOCK
from tests.server.api_examples.session import DATA, DIGEST, Session

SET = "ds-" + "1" * 32
SCRIPT = b"print('trained')\n"


def objects(session: Session) -> None:
    ask = session.ask
    session.put_bytes(DATA)
    ask("POST", "/objects/missing", {"digests": [DIGEST, "0" * 64]})
    ask("POST", "/objects/bring", {"digests": [DIGEST]})
    ask("POST", "/objects/several", {"digests": [DIGEST]})
    ask("GET", f"/objects/{DIGEST}")
    ask("GET", f"/objects/{DIGEST}/address")
    small = b"a small one\n"
    ask("POST", "/objects/batch", batches.write([(hashlib.sha256(small).hexdigest(), small)]))
    large = b"a piece, and then another one\n"
    digest = hashlib.sha256(large).hexdigest()
    ask("PUT", f"/uploads/{digest}?offset=0&size={len(large)}", large[:10])
    ask("GET", f"/uploads/{digest}")
    (session.folder / "here.txt").write_bytes(DATA)
    session.ask_there("PUT", f"/objects/{DIGEST}/file", {"path": str(session.folder / "here.txt")})


def snapshot(session: Session) -> str:
    """Its digest; it holds one script."""
    file = SnapshotFile("train.py", len(SCRIPT), session.put_bytes(SCRIPT))
    digest = manifest_digest([file])
    session.ask("PUT", f"/snapshots/{digest}", {"files": [msgspec.to_builtins(file)], "digest": digest})
    session.ask("GET", f"/snapshots/{digest}")
    session.ask("GET", f"/snapshots/{digest}/archive")
    return digest


def data(session: Session) -> None:
    ask = session.ask
    folder = session.folder / "images"
    folder.mkdir()
    (folder / "one.txt").write_bytes(DATA)
    session.show(folder, "/data/images")
    session.ask_there("PUT", "/datastores/images", {"folder": str(folder)})
    ask("GET", "/datastores")
    ask("GET", "/datastores/images")
    ask("PUT", "/datastores/images/default")
    ask("PUT", "/datastores/images/content", {"path": "two.txt", "digest": DIGEST})
    ask("GET", "/datastores/images/files?path=*.txt")
    ask("GET", "/datastores/images/content?path=two.txt")
    ask("DELETE", "/datastores/images/content?path=two.txt")
    sources = [{"datastore": "images", "path": "*.txt"}]
    ask("PUT", f"/file-datasets/{SET}", {"sources": sources, "name": "images", "description": "of digits"})
    ask("PATCH", f"/file-datasets/{SET}", {"add_tags": {"year": "2020"}})
    ask("GET", f"/file-datasets/{SET}")
    ask("GET", "/file-datasets/named?name=images")
    ask("GET", "/file-datasets")
    ask("DELETE", "/file-datasets/named?name=images")
    ask("PUT", "/datastores/workspaceblobstore/default")
    ask("DELETE", "/datastores/images")


def environments(session: Session) -> None:
    ask = session.ask
    asked: dict[str, Any] = {"request": {"python": "3.11", "packages": ["chainer==7.8.1"]}}
    ask("PUT", "/environments/chainer", asked)
    ask("GET", "/environments/chainer")
    ask("GET", "/environments/chainer/versions/1")
    ask("GET", "/environments")
    session.write(lambda write: lock_store.put(write, LOCK, 1))
    ask("GET", f"/environment-locks/{LOCK.digest}")
    ask("GET", f"/environment-locks/{LOCK.digest}/lock")
    ask("GET", "/built-environments")
    ask("POST", "/built-environments/prune", {"unused_days": 30, "dry_run": True})
