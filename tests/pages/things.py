"""What the pages of models, data, environments and clusters have to show; whatever somebody could call so is EVIL."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from faena.compute import service as clusters
from faena.compute.schemas import ClusterRequest
from faena.data import store as snapshots
from faena.data.datasets import service as datasets
from faena.data.datasets.schemas import DatasetRequest, Source
from faena.data.datastores import store as datastores
from faena.data.schemas import Snapshot, SnapshotFile
from faena.db import Write
from faena.endpoints import service as endpoints
from faena.endpoints import store as endpoint_store
from faena.endpoints.model import Stage
from faena.endpoints.schemas import Deployment, ModelUse, RevisionSpec, Settings
from faena.environments import store as lock_store
from faena.environments.failures import Failure
from faena.environments.folders import boot_id
from faena.environments.model import Interpreter, Lock
from faena.environments.ready import Marker
from faena.environments.schemas import EnvironmentDefinition, EnvironmentRequest, EnvironmentView
from faena.kernel import digests
from faena.models import aliasing
from faena.models import service as models
from faena.models.schemas import DatasetUse, Registration
from faena.runs import attempt_store, phase_store, record_store, store
from faena.runs.model import AttemptState, Run, RunStatus
from faena.runs.submission_schemas import DataInput, Submission
from faena.traces import assessing, recording
from faena.traces.conventions import NAME
from faena.traces.evaluation_sets import service as evaluation_sets
from faena.traces.evaluation_sets import store as sets
from faena.traces.evaluation_sets.model import EvaluationSet, Told
from faena.traces.model import Assessment, Span, SpanStatus, Verdict
from faena.tracking import files as run_files
from faena.tracking import ingest
from faena.tracking.model import StoredFile, StreamKey
from faena.workspaces import store as workspaces
from tests.pages.test_pages import EVIL, RUN
from tests.tracking import frames

MADE = "made_1_00000001"
"""A run that has ended, read everything and made versions 1 to 3 of the model `digits`."""
TRACE = "tr-" + "e" * 32
SET = "d-" + "e" * 32
IMAGES, TABLE = "ds-" + "1" * 32, "ds-" + "2" * 32
SNAPSHOT = "7" * 64
HOUR = 3_600_000_000
LOCK = Lock(
    Interpreter("/usr/bin/python3", "3.11.7", "CPython"),
    "linux-x86_64-glibc2.36",
    "chainer==7.8.1 \\\n    --hash=sha256:"
    + "a" * 64
    + "\nnumpy==1.23.5 \\\n    --hash=sha256:"
    + "b" * 64
    + "\n",
    (),
    "0" * 64,
)
OTHER = msgspec.structs.replace(LOCK, requirements=LOCK.requirements.replace("1.23.5", "1.24.0"))
FAILED = "f" * 64


def fill(write: Write, stored: StoredFile, now: int) -> None:
    """After `test_pages._fill`."""
    datastores.put(write, "own", f"/data/{EVIL}", now)
    images = DatasetRequest(
        (Source("own", "images/**/*.png"), Source(url="https://example.org/more.zip")),
        "images of digits",
        EVIL,
        {EVIL: EVIL},
    )
    steps = [["drop", {"columns": [EVIL]}], ["keep", {"columns": ["a", "b"]}], ["take", {"count": 5}]]
    table = {
        "format": 1,
        "kind": "delimited",
        "options": {"separator": ",", "note": EVIL},
        "columns": [["a", {"type": "long"}], ["b", {"type": "string"}], [EVIL, {"type": "string"}]],
        "steps": steps,
        "timestamps": [None, None],
    }
    datasets.put(write, IMAGES, images, now)
    datasets.put(
        write,
        TABLE,
        DatasetRequest((Source("workspaceblobstore", "t/a.csv"),), "table", "", {}, tabular=table),
        now,
    )
    evil = store.get(write, RUN)
    assert evil is not None
    given = DataInput("images", "$AZUREML_DATAREFERENCE_images", "images", "mount", dataset=IMAGES)
    rows = DataInput("rows", "$AZUREML_DATAREFERENCE_rows", "rows", "direct", dataset=TABLE)
    own = DataInput(
        "own", "$AZUREML_DATAREFERENCE_own", "AZUREML_DATAREFERENCE_own", "mount", datastore="own", path="x"
    )
    left = DataInput("left", "$AZUREML_DATASET_left", "left", "mount", path=f"outputs/{EVIL}", run=RUN)
    submission = msgspec.structs.replace(
        msgspec.json.decode(evil.submission, type=Submission), inputs=(given, rows, own, left)
    )
    made = msgspec.structs.replace(
        evil,
        id=MADE,
        number=8,
        submission=msgspec.json.encode(submission),
        status=RunStatus.COMPLETED,
        created_at=now - HOUR // 2,
    )
    store.add(write, made)
    store.update(write, MADE, {"started_at": now - HOUR // 3, "ended_at": now - HOUR // 10})
    _nodes(write, evil, now)
    _trace(write, now)
    lock_store.put(write, LOCK, now)
    store.update(write, MADE, {"lock": LOCK.digest})
    environment = EnvironmentRequest(python="3.11", packages=("chainer==7.8.1",))
    for number, request in enumerate(
        (environment, msgspec.structs.replace(environment, packages=("numpy",)))
    ):
        view = EnvironmentView("named", number + 1, now, EnvironmentDefinition(request, {"EVIL": EVIL}))
        lock_store.add_version(write, view)
    record_store.add_parameters(write, MADE, {"rate": "0.1"})
    numbers = frames.name(0, "accuracy") + frames.number(0.5) + frames.number(0.97)
    ingest.append(write, StreamKey(MADE, 1, 0, "spool/7-0a1b2c3d"), 0, numbers, now)
    run_files.put_files(
        write,
        MADE,
        {"outputs/model/weights.npz": stored, f"outputs/model/{EVIL.replace('/', '_')}": stored},
        now,
    )
    for number in (1, 2, 3):
        asked = Registration(
            run_id=MADE,
            path="outputs/model",
            description=EVIL,
            tags={EVIL: EVIL, "stage": f"{number}"},
            properties={EVIL: EVIL},
            framework="Chainer",
            framework_version="7.8.1",
            datasets=(DatasetUse("training", TABLE), DatasetUse("gone", "ds-" + "9" * 32)),
        )
        models.register(write, "digits", f"digits-{number}", asked, now + number)
    for alias, number in (("challenger", 3), ("champion", 2), ("größer", 2)):
        aliasing.put(write, "digits", alias, number, now)
    snapshots.put(write, Snapshot((SnapshotFile("score.py", 0, digests.of_bytes(b"")),), SNAPSHOT), set(), 1)
    for number, name in ((1, "digits-old"), (3, "digits-api")):
        spec = RevisionSpec((ModelUse("digits", number),), SNAPSHOT, "score.py")
        _, revision = endpoints.deploy(write, name, name, Deployment(spec, Settings()), now)
        endpoint_store.set_stage(write, revision, Stage.FAILED)


def _trace(write: Write, now: int) -> None:
    """Of the run `MADE`, with a step that failed, and something said of it."""
    workspaces.create_experiment(write, EVIL, now, 77)
    told = [{"key": name, "value": {"string_value": EVIL}} for name in ("input.value", "output.value", EVIL)]
    event = {"name": EVIL, "time_unix_nano": f"{now * 1000}", "attributes": told}
    text = msgspec.json.encode(
        {"status": {"code": 2, "message": EVIL}, "attributes": told, "events": [event]}
    ).decode()
    spans = [
        Span("1" * 16, TRACE, None, EVIL, now * 1000, now * 1000 + 9, SpanStatus.FAILED, text, EVIL),
        Span("2" * 16, TRACE, "1" * 16, EVIL, now * 1000, None, SpanStatus.UNSET, text),
    ]
    facts = recording.Facts(tags={EVIL: EVIL, NAME: EVIL}, metadata={EVIL: EVIL}, request=EVIL, response=EVIL)
    recording.add_spans(write, spans, {TRACE: facts}, 77, MADE)
    questions = EvaluationSet(SET, EVIL, now, now, EVIL, EVIL)
    sets.put(write, questions)
    sets.set_tags(write, SET, {EVIL: EVIL})
    sets.add_experiments(write, SET, [77])
    source = {"source_data": {"trace_id": TRACE}}
    evaluation_sets.add_records(
        write, SET, [Told({EVIL: EVIL}, EVIL, {EVIL: EVIL}, source=source)], now, EVIL
    )
    for kind in (Verdict.FEEDBACK, Verdict.EXPECTATION):
        said = Assessment(
            f"a-{kind}", TRACE, EVIL, kind, EVIL, now, now, rationale=EVIL, source_id=EVIL, span_id="1" * 16
        )
        assessing.add(write, said)


def _nodes(write: Write, evil: Run, now: int) -> None:
    """A cluster: what two nodes did in the last hour, and a run that waits for a GPU."""
    clusters.create(write, "cpu", ClusterRequest(max_nodes=2), now)
    attempt_store.add_attempt(write, MADE, 1, 0, "node-1", AttemptState.CLOSED)
    phase_store.begin_phase(write, MADE, "Queued", 1, now - HOUR // 2)
    phase_store.begin_phase(write, MADE, "Running", 1, now - HOUR // 3)
    phase_store.end_phase(write, MADE, now - HOUR // 10)
    again = msgspec.structs.replace(
        evil, id="again_1_0000001", number=9, attempt=2, status=RunStatus.CANCELED, ended_at=now - HOUR // 50
    )
    store.add(write, again)
    for attempt, began in ((1, now - HOUR // 2), (2, now - HOUR // 5)):
        attempt_store.add_attempt(write, again.id, attempt, 0, f"node-{attempt}", AttemptState.CLOSED)
        phase_store.begin_phase(write, again.id, "Running", attempt, began)
        phase_store.begin_phase(write, again.id, "Queued", attempt, began + HOUR // 10)
    phase_store.end_phase(write, again.id, now - HOUR // 50)
    waits = msgspec.structs.replace(
        evil, id="waits_1_0000001", number=10, status=RunStatus.QUEUED, queued_at=now, gpu="require"
    )
    store.add(write, waits)


def shelve(home: Path) -> None:
    """Two environments that are ready, of which one has a build's log, and a build that failed."""
    for lock in (LOCK, OTHER):
        folder = home / "envs" / lock.digest
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").symlink_to(sys.executable)
        (folder / "lock.json").write_bytes(msgspec.json.encode(lock))
        (folder / ".ready").write_bytes(msgspec.json.encode(Marker(1, 1.0, boot_id())))
        (home / "envs" / f"{lock.digest}.lock").touch()
    (home / "envs" / f"{LOCK.digest}.log").write_text(
        f"\x1b[31m{EVIL}\x1b[0m\nhttps://me:secret@example.org/simple\n"
    )
    failure = Failure(EVIL, 1, passing=False)
    (home / "envs" / f"{FAILED}.failed.json").write_bytes(msgspec.json.encode(failure))
