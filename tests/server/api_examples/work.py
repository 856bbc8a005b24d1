"""What has something done: runs that are submitted, sweeps, machines, endpoints, notices, copies."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from faena.data.schemas import SnapshotFile, manifest_digest
from tests.pages.things import LOCK
from tests.server.api_examples.session import DATA, DIGEST, Session

RUN, SWEEP = "mnist_1700000000_1a2b3c4d", "HD_1700000000_1a2b3c4d"
YARD = "yard"
BUILD = "1" * 32


def machines(session: Session) -> None:
    """A cluster that machines would join; none does, so that what is submitted to it waits."""
    ask = session.ask
    ask("PUT", f"/clusters/{YARD}", {"max_nodes": 2, "kind": "joined"})
    session.ask_there("POST", "/nodes/listener", {"address": "127.0.0.1", "port": 0})
    ask("POST", "/nodes/tokens", {"cluster": YARD, "days": 1})
    ask("GET", "/nodes")
    session.ask_there("DELETE", "/nodes/listener")


def submission(snapshot: str, **more: Any) -> dict[str, Any]:
    told = {"experiment": "mnist", "snapshot": snapshot, "script": "train.py", "cluster": YARD}
    return {**told, "lock": LOCK.digest, **more}


def submitted(session: Session, snapshot: str) -> None:
    ask = session.ask
    ask("PUT", f"/runs/{RUN}", submission(snapshot, arguments=["--rate", "0.1"]))
    session.until(f"/runs/{RUN}", lambda view: view["status"] == "Queued")
    ask("GET", f"/runs/{RUN}/submission")
    ask("GET", f"/runs/{RUN}/obstacles")
    ask("GET", f"/runs/{RUN}/checkpoint")
    ask("GET", f"/queues/{YARD}")
    ask("POST", f"/runs/{RUN}/cancel")
    ask("GET", f"/runs/{RUN}/lock")
    ask("GET", f"/runs/{RUN}/follow")


def sweeps(session: Session, snapshot: str) -> None:
    ask = session.ask
    spec = {
        "space": {"--rate": ["uniform", [0, 1]]},
        "sampling": {"kind": "random", "seed": 1},
        "objectives": [{"name": "accuracy", "goal": "maximize"}],
        "max_total_runs": 4,
        "max_concurrent_runs": 1,
    }
    path = f"/sweeps/{SWEEP}"
    ask("PUT", path, {"spec": spec, "submission": submission(snapshot)})
    ask("POST", f"{path}/pause")
    ask("PATCH", path, {"max_total_runs": 6})
    ask("POST", f"{path}/trials", {"trials": [{"--rate": 0.5}], "request": "first"})
    ask("POST", f"{path}/resume")
    ask("GET", path)
    ask("GET", f"{path}/trials?limit=1")
    ask("POST", f"{path}/adopted", {"runs": []})
    ask("POST", f"{path}/rerun-failed")
    ask("POST", f"/runs/{SWEEP}/cancel")


def started(session: Session, snapshot: str) -> None:
    """A run of a process of the host's, which is this one."""
    ask = session.ask
    run = "mnist_1700000001_2b3c4d5e"
    ticks = Path(f"/proc/{os.getpid()}/stat").read_text().rpartition(")")[2].split()[19]
    process = {"pid": os.getpid(), "started": int(ticks)}
    session.show(f'"pid": {process["pid"]}, "started": {ticks}', '"pid": 4242, "started": 170000')
    session.ask_there("POST", "/runs", {"process": process, "runs": [{"id": run, "experiment": "mnist"}]})
    ask("PUT", f"/runs/{run}/snapshot", {"snapshot": snapshot})
    ask("POST", f"/runs/{run}/files", {"files": [{"name": "outputs/model.npz", "digest": DIGEST}]})
    ask("PUT", f"/runs/{run}/metrics/verdict", {"value": "good"})
    ask("POST", f"/runs/{run}/fail", {"message": "The numbers were not those of last year."})


def ended(session: Session, run: str) -> None:
    """What a run has left, as a model and as a folder."""
    ask, there = session.ask, session.ask_there
    ask("GET", f"/runs/{run}/files/outputs/model.npz")
    ask("GET", f"/runs/{run}/left-files?path=outputs")
    registration = {"run_id": run, "path": "outputs/model.npz", "framework": "Chainer"}
    ask("PUT", "/models/net/registrations/request-1", registration)
    (session.folder / "model.npz").write_bytes(DATA)
    there("PUT", "/models/net/registrations/request-2/local", {"path": str(session.folder / "model.npz")})
    sent = {"path": "model.npz", "files": [{"path": "model.npz", "digest": DIGEST}]}
    ask("PUT", "/models/net/registrations/request-3/sent", sent)
    exported = ask("POST", f"/runs/{run}/exported", {"children": False})
    ask("POST", "/imports/sent", {"files": exported["files"]})
    there("POST", f"/runs/{run}/export", {"folder": str(session.folder / "exported")})
    there("POST", "/imports", {"folder": str(session.folder / "exported")})


def endpoints(session: Session, snapshot: str) -> None:
    """On a machine that has not joined: it waits."""
    ask = session.ask
    revision = {
        "models": [{"name": "net", "version": 1}],
        "snapshot": snapshot,
        "entry": "train.py",
        "lock": LOCK.digest,
    }
    deployment = {"revision": revision, "settings": {"cluster": YARD}}
    ask("PUT", "/endpoints/digits/deployments/request-1", deployment)
    session.until("/endpoints/digits", lambda view: view["error"] is not None)
    ask("GET", "/endpoints/digits")
    ask("GET", "/endpoints")
    ask("PATCH", "/endpoints/digits", {"description": "Which digit is this?"})
    ask("GET", "/endpoints/digits/keys")
    ask("POST", "/endpoints/digits/keys/secondary")
    ask("DELETE", "/endpoints/digits")


SCORE = b"""
import json
def init(): pass
def run(data): return json.loads(data)
"""


def answering(session: Session) -> None:
    """An endpoint on this host, with a worker of the Python that runs this."""
    ask, there = session.ask, session.ask_there
    file = SnapshotFile("score.py", len(SCORE), session.put_bytes(SCORE))
    digest = manifest_digest([file])
    ask("PUT", f"/snapshots/{digest}", {"files": [msgspec.to_builtins(file)], "digest": digest})
    session.show(sys.executable, "/usr/bin/python3")
    revision = {
        "models": [{"name": "net", "version": 1}],
        "snapshot": digest,
        "entry": "score.py",
        "environment": {"interpreter": sys.executable},
    }
    path = "/endpoints/echo"
    there("PUT", f"{path}/deployments/request-1", {"revision": revision, "settings": {"keep_requests": 1.0}})
    view = session.until(path, lambda view: view["is_settled"])
    assert view["state"] == "Healthy", view["error"]
    ask("POST", f"{path}/try", {"body": "[1]"})
    ask("GET", f"{path}/logs")
    ask("GET", f"{path}/requests")
    again = {**revision, "description": "again"}
    there("PUT", f"{path}/deployments/request-2", {"revision": again, "onto": "existing"})
    ask("POST", f"{path}/rollback?revision=1")
    ask("DELETE", path)


def builds(session: Session) -> None:
    session.ask_there("PUT", f"/environment-builds/{BUILD}", {"environment": {"interpreter": sys.executable}})
    session.until(f"/environment-builds/{BUILD}", lambda view: view["python"])
    session.ask("GET", f"/environment-builds/{BUILD}")


def notices(session: Session) -> None:
    ask = session.ask
    rule = ask("POST", "/notices/rules", {"webhook": "https://example.org/told", "ends": ["Failed"]})
    ask("GET", "/notices/rules")
    ask("POST", f"/notices/rules/{rule['id']}/try")
    ask("GET", "/notices")
    ask("DELETE", f"/notices/rules/{rule['id']}")


def copies(session: Session) -> None:
    folder = session.folder / "copies"
    session.show(folder, "/backup")
    session.ask_there("PUT", "/backups/b-1", {"folder": str(folder)})
    session.ask("GET", "/backups/b-1?wait=20")
    session.ask("POST", "/repairs", {"dry_run": True})


def stop(session: Session) -> None:
    session.ask("POST", "/stop")
