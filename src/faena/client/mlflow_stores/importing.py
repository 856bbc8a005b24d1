"""Brings a store of MLflow's into a workspace: experiments, runs, models, traces, evaluation sets.

Whatever is brought is compared with what is here then; a second call compares everything, and brings what is not here.
So it may be stopped at any point and called again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from faena.client.mlflow_stores import evaluation_parts, model_sources
from faena.client.mlflow_stores.found import Files, Head, Progress, RunFound, Store, StoreDamaged
from faena.client.mlflow_stores.report import Counts, Report
from faena.client.mlflow_stores.sending import Sender
from faena.client.mlflow_stores.sources import opened
from faena.client.workspaces.session import Session
from faena.kernel.batches import LONGEST_LIST
from faena.mlflow.moving.schemas import (
    REFUSED,
    EvaluationSetGiven,
    EvaluationSets,
    ExperimentGiven,
    ExperimentTaken,
    FileGiven,
    LoggedModels,
    Models,
    RunGiven,
    Runs,
    Taken,
    Traces,
)

T = TypeVar("T")
_RUNS_TOGETHER = 20
_BYTES_TOGETHER = 8 << 20
_BATCHES_WAITING = 2
_OTHERS_TOGETHER = 50
_ANSWERING = 3600.0
"""Seconds that the server may take for a request: a run may have gigabytes of files and points."""


def _silent(what: str, done: int, of: int) -> None:
    pass


def import_mlflow(
    session: Session,
    source: str,
    *,
    artifacts: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
    progress: Progress = _silent,
) -> Report:
    """Bring what a store of MLflow's holds into a workspace, and say what came of it.

    `source`: a folder such as `mlruns`, `sqlite:///mlflow.db`, or the address of a server. `artifacts`: a folder in
    which artifacts are that are not where the store says. `dry_run`: everything is read and compared, nothing changed.

    Runs keep their ids. What is here already is compared and stays; one that cannot be had stops none of the others.
    Raises UserErrorException for what is no store, StorageFull for a full disk; call it again then.
    """
    store = opened(source, None if artifacts is None else Path(artifacts).expanduser().absolute())
    with contextlib.closing(store):
        return _Import(session, store, progress, look=dry_run).all()


class _Import:
    def __init__(self, session: Session, store: Store, progress: Progress, *, look: bool) -> None:
        self._transport = session.api.transport
        self._sender = Sender(session.api, look=look)
        self._store = store
        self._progress = progress
        self._look = look
        self._experiments: dict[str, str] = {}
        """Names here by ids there."""
        self._known: set[str] = set()
        """Ids of runs and logged models that were read."""
        self.report = Report(store.address, only_looked=look)

    def all(self) -> Report:
        self._take_experiments()
        self._take_runs()
        self._take_logged_models()
        self._take_models()
        self._take_traces()
        self._take_evaluation_sets()
        report = self.report
        for trouble in self._store.trouble():
            about, _, said = trouble.partition(": ")
            report.note(about, said)
        report.without_counterpart |= self._store.left_out()
        if (places := getattr(self._store, "places", None)) is not None:
            report.elsewhere |= places.elsewhere
            report.missing |= places.missing
        return report

    def _take_experiments(self) -> None:
        given = self._store.experiments()
        self.report.experiments.there = len(given)
        for done, each in enumerate(given, 1):
            taken = self._take_experiment(each)
            self.report.experiments.count(taken.outcome)
            self.report.note(f"experiment {each.name[:80]}", *taken.notes)
            self._progress("experiments", done, len(given))

    def _take_experiment(self, given: ExperimentGiven) -> ExperimentTaken:
        path = f"/mlflow-imports/experiments{'?look=true' if self._look else ''}"
        taken = self._send(path, msgspec.json.encode(given), ExperimentTaken)
        self._experiments[given.id] = taken.name
        return taken

    def _experiment(self, number: str) -> str:
        """Its name here; of one that nobody told of, as its record is damaged, it is made of the id."""
        if number not in self._experiments:
            self._take_experiment(ExperimentGiven(number, f"mlflow {number}"))
        return self._experiments[number]

    def _take_runs(self) -> None:
        heads = sorted(self._store.heads(), key=lambda head: (head.began, head.id))
        self._known |= {head.id for head in heads}
        counts = self.report.runs
        counts.there = len(heads) + sum(each.startswith("run ") for each in self._store.trouble())
        counts.refused = counts.there - len(heads)
        waiting: list[Future[list[Taken]]] = []
        done = 0
        with ThreadPoolExecutor(
            1, thread_name_prefix="send"
        ) as thread:  # while it is sent, the next ones are read
            for batch in self._batches(heads):
                waiting.append(thread.submit(self._send_runs, batch))
                while len(waiting) > _BATCHES_WAITING:
                    done = self._count_runs(waiting.pop(0).result(), done, len(heads))
            for future in waiting:
                done = self._count_runs(future.result(), done, len(heads))

    def _batches(self, heads: list[Head]) -> Iterator[list[RunGiven]]:
        batch: list[RunGiven] = []
        size = 0
        for head in heads:
            try:
                found = self._store.run(head)
                given = self._with_files(found)
            except StoreDamaged as error:
                self.report.runs.count(REFUSED)
                self.report.note(f"run {head.id}", error.message)
                continue
            length = sum(len(each.times_ms) * 3 for each in given.metrics.values())
            if batch and (len(batch) == _RUNS_TOGETHER or size + length > _BYTES_TOGETHER):
                yield batch
                batch, size = [], 0
            batch.append(given)
            size += length
        if batch:
            yield batch

    def _with_files(self, found: RunFound) -> RunGiven:
        run = found.run
        self.report.note(f"run {run.id}", *found.notes)
        return msgspec.structs.replace(
            run,
            experiment=self._experiment(run.experiment),
            metrics=self._sender.metrics(run.metrics),
            files=self._files(f"run {run.id}", found.artifacts, run.id),
        )

    def _files(self, about: str, address: str, owner: str) -> dict[str, FileGiven]:
        """Below an address; their bytes are at the server then."""
        with self._store.files(address, owner) as found:
            return self._sent(about, found)

    def _sent(self, about: str, found: Files) -> dict[str, FileGiven]:
        self.report.note(about, *found.left_out)
        given, refused = self._sender.files(found.places.values())
        for name, place in found.places.items():
            if place in refused:
                self.report.note(about, f"its file {name[:200]!a}: {refused[place]}")
        return {name: given[place] for name, place in found.places.items() if place in given}

    def _send_runs(self, batch: list[RunGiven]) -> list[Taken]:
        body = msgspec.msgpack.encode(Runs(self._store.address, batch, self._look))
        return self._send("/mlflow-imports/runs", body, list[Taken])

    def _count_runs(self, answers: list[Taken], done: int, of: int) -> int:
        self._count(self.report.runs, "run", answers)
        self._progress("runs", done + len(answers), of)
        return done + len(answers)

    def _count(self, counts: Counts, what: str, answers: list[Taken]) -> None:
        for answer in answers:
            counts.count(answer.outcome)
            self.report.note(f"{what} {answer.id}", *answer.notes)
            self.report.points += answer.points
            self.report.files += answer.files
            self.report.size += answer.size

    def _take_logged_models(self) -> None:
        def one(found: Any) -> Any:
            given, address = found
            self._known.add(given.id)
            files = {} if given.deleted else self._files(f"logged model {given.id}", address, given.id)
            return msgspec.structs.replace(given, experiment=self._experiment(given.experiment), files=files)

        made = map(one, self._store.logged_models())
        self._take_others(
            "logged model",
            self.report.logged_models,
            "logged-models",
            made,
            lambda some: LoggedModels(some, self._look),
        )

    def _take_models(self) -> None:
        def one(given: Any) -> Any:
            self.report.versions.there += len(given.versions)
            versions = []
            for each in given.versions:
                placed = model_sources.placed(each, self._known)
                address = "" if placed.place or placed.deleted else placed.storage or placed.source
                about = f"version {given.name}:{placed.version}"
                files = self._files(about, address, "") if model_sources.is_local(address) else {}
                versions.append(msgspec.structs.replace(placed, files=files))
            return msgspec.structs.replace(given, versions=versions)

        made = map(one, self._store.models())
        self._take_others("model", self.report.models, "models", made, lambda some: Models(some, self._look))

    def _take_traces(self) -> None:
        def one(found: Any) -> Any:
            given, address = found
            files = self._files(f"trace {given.id}", address, given.id)
            return msgspec.structs.replace(given, experiment=self._experiment(given.experiment), files=files)

        made = map(one, self._store.traces())
        self._take_others("trace", self.report.traces, "traces", made, lambda some: Traces(some, self._look))

    def _take_evaluation_sets(self) -> None:
        """A part a request; those of one set come one after the other."""
        for set_id, some in groupby(self._store.evaluation_sets(), key=lambda each: each.id):
            answers = [self._take_part(part) for part in some]
            self.report.evaluation_sets.there += 1
            self.report.evaluation_sets.count(evaluation_parts.outcome(each.outcome for each in answers))
            self.report.records += sum(each.records for each in answers)
            notes = [note for each in answers for note in each.notes]
            self.report.note(f"evaluation set {set_id[:80]}", *dict.fromkeys(notes))

    def _take_part(self, given: EvaluationSetGiven) -> Taken:
        here = [self._experiment(number) for number in given.experiments]
        part = msgspec.structs.replace(given, experiments=here)
        body = msgspec.msgpack.encode(EvaluationSets([part], self._look))
        if len(body) > LONGEST_LIST:
            return Taken(given.id, REFUSED, [f"a record of it has more than {LONGEST_LIST:,} bytes"])
        return self._send("/mlflow-imports/evaluation-sets", body, list[Taken])[0]

    def _take_others(self, what: str, counts: Counts, path: str, made: Iterator[Any], body: Any) -> None:
        """In parts, one after the other. Versions of models answer as `NAME:VERSION`."""
        done = 0
        while some := _some(made):
            counts.there += len(some)
            sent = msgspec.msgpack.encode(body(some))
            for answer in self._send(f"/mlflow-imports/{path}", sent, list[Taken]):
                is_version = what == "model" and ":" in answer.id
                self._count(
                    self.report.versions if is_version else counts,
                    "version" if is_version else what,
                    [answer],
                )
            done += len(some)
            self._progress(f"{what}s", done, done)

    def _send(self, path: str, body: bytes, kind: type[T]) -> T:
        answer = self._transport.request("POST", path, body, timeout=_ANSWERING)
        return msgspec.json.decode(answer.data, type=kind)


def _some(made: Iterator[Any]) -> list[Any]:
    found = []
    for each in made:
        found.append(each)
        if len(found) == _OTHERS_TOGETHER:
            break
    return found
