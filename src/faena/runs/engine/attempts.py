"""Starting, Running, Finalizing: what runners report about the attempts that they were given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from msgspec import Struct

from faena.compute import store as compute
from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound
from faena.runs import attempt_store, record_store, retrying, store, transitions
from faena.runs.engine import node_clock, unbuildable
from faena.runs.engine.scheduling import work_topic
from faena.runs.model import HYPERDRIVE, Attempt, AttemptState, EndReason, Outcome, Run, RunStatus, combine

_ADVICE = " Submit the run again."
"""What a node says at the end of what it cannot mend, to whom nobody has told that the run goes again."""
MAX_PLACEMENTS = 3
"""How often a run is given to nodes that die before its script starts."""


class Progress(Struct):
    """What is reported of a rank of an attempt, in one transaction: rows are read once, and kept as they are changed.

    Each report is idempotent.
    """

    _write: Write
    _run: Run
    _this: Attempt
    """The rank. Of the others no more is read than is needed: there may be a thousand, and each reports."""

    @classmethod
    def find(cls, write: Write, run_id: str, attempt: int, rank: int) -> Self:
        """Raises NotFound."""
        run = store.get(write, run_id)
        this = attempt_store.of_rank(write, run_id, attempt, rank)
        if run is None or this is None:
            raise _unknown(run_id, attempt, rank)
        return cls(write, run, this)

    @property
    def is_last(self) -> bool:
        """Whether the scripts of all ranks have ended, so that nothing more comes of the attempt."""
        return attempt_store.have_ended(self._write, self._this.run_id, self._this.attempt)

    @property
    def failed(self) -> Outcome | None:
        """How the attempt failed, by what is known of its ranks; None where those that have ended completed."""
        return _failed(self._ranks())

    @property
    def is_closed(self) -> bool:
        """Whether nothing more was expected of this rank."""
        return self._this.state is AttemptState.CLOSED

    def started(self, at: Micros, now: Micros, sent_at: Micros | None = None) -> None:
        """The script of this rank started. `at`, `sent_at`: by the clock of who says so, maybe not the server's."""
        if self._this.state is not AttemptState.GIVEN:
            return
        self._move(AttemptState.STARTED)
        if self._is_current and self._run.status is RunStatus.STARTING:
            begun = node_clock.began(self._write, self._this, at, sent_at, now)
            self._run = transitions.move(
                self._write, self._run, RunStatus.RUNNING, begun, started_at=self._run.started_at or begun
            )

    def ended(self, outcome: Outcome, now: Micros) -> None:
        """The script of this rank ended. The other ranks are stopped when it failed."""
        if self._this.state in (AttemptState.ENDED, AttemptState.CLOSED):
            return
        self._move(AttemptState.ENDED, outcome)
        if not self._is_current:
            return
        if self.is_last:
            if not self._may_start_again:
                self._run = transitions.move(self._write, self._run, RunStatus.FINALIZING, now)
        elif outcome.reason is not EndReason.COMPLETED:
            self._write.notify(transitions.topic(self._run.id))

    def closed(self, last_lines: list[str], now: Micros) -> None:
        """Everything of this rank is kept; its node is free. The last rank ends the run."""
        if self._this.state is AttemptState.CLOSED:  # what follows of it was written with it
            return
        self._move(AttemptState.CLOSED)
        self._free(now)
        this, run = self._this, self._run
        all_closed = attempt_store.are_closed(self._write, this.run_id, this.attempt)
        if not (self._is_current and all_closed and self.is_last):
            return
        if self._may_start_again:
            self._run = transitions.move(self._write, run, RunStatus.QUEUED, now)
            why, about = self._why_again()
            record_store.add_note(self._write, run.id, "placed_again", why, about=about)
            return
        ranks = self._ranks()
        outcomes = [each.outcome for each in ranks if each.outcome]
        if any(each.reason is not EndReason.COMPLETED for each in outcomes) and retrying.goes_again(
            self._write, run
        ):
            self._go_again(combine(outcomes, canceled=False), now)
            return
        outcome = combine(outcomes, canceled=run.cancel_requested_at is not None)
        if outcome.reason is EndReason.CANCELED and run.reason is EndReason.REPORTED:
            outcome = Outcome(EndReason.REPORTED, run.message or "", outcome.exit_code, outcome.signal)
        transitions.end(self._write, run, outcome, now, last_lines)

    def _why_again(self) -> tuple[str, str]:
        """And how that begins."""
        about = f"Attempt {self._this.attempt} ended before the script started."
        ends = [each.outcome for each in self._ranks() if each.outcome is not None]
        why = next((each.message for each in ends if each.reason is EndReason.ENVIRONMENT), "")
        return (f"{about} {why} The run goes to another node." if why else about), about

    def _go_again(self, outcome: Outcome, now: Micros) -> None:
        self._run = transitions.move(self._write, self._run, RunStatus.QUEUED, now)
        number = self._this.attempt
        why = outcome.message.removesuffix(_ADVICE)
        told = f"Attempt {number} ended: {why}" if why else f"Attempt {number} failed."
        record_store.add_note(
            self._write,
            self._run.id,
            "goes_again",
            f"{told} The run goes again.",
            about=f"Attempt {number} ",
        )

    def _ranks(self) -> list[Attempt]:
        return attempt_store.ranks(self._write, self._this.run_id, self._this.attempt)

    @property
    def _is_current(self) -> bool:
        """An old attempt may still deliver logs and metrics, never state."""
        return self._this.attempt == self._run.attempt and not self._run.status.is_terminal()

    @property
    def _may_start_again(self) -> bool:
        """The node was lost before any script of the attempt started: nothing has happened yet that counts."""
        untouched = self._run.status is RunStatus.STARTING and self._run.cancel_requested_at is None
        if not untouched or self._run.attempt >= MAX_PLACEMENTS:
            return False
        reasons = {each.outcome.reason for each in self._ranks() if each.outcome is not None}
        if EndReason.NODE_LOST in reasons:
            return True
        return EndReason.ENVIRONMENT in reasons and unbuildable.others_may(self._write, self._run)

    def _move(self, state: AttemptState, outcome: Outcome | None = None) -> None:
        self._this = attempt_store.move_attempt(self._write, self._this, state, outcome)

    def _free(self, now: Micros) -> None:
        this = self._this
        if compute.free(self._write, this.node, this.run_id, this.attempt, now):
            self._write.notify(work_topic(this.node))
            self._write.notify(transitions.ENGINE_SOON)


def failed(read: Read, run_id: str, attempt: int) -> Outcome | None:
    """As of `Progress`."""
    return _failed(attempt_store.ranks(read, run_id, attempt))


def _failed(ranks: Iterable[Attempt]) -> Outcome | None:
    ended = [each.outcome for each in ranks if each.outcome]
    worst = combine(ended, canceled=False) if ended else None
    return None if worst is None or worst.reason is EndReason.COMPLETED else worst


def check(read: Read, run_id: str, attempt: int, rank: int) -> None:
    """Raises NotFound where there is no such attempt. A sweep, which no node has, is written to as its attempt 0."""
    if attempt_store.of_rank(read, run_id, attempt, rank) is not None:
        return
    run = store.get(read, run_id) if (attempt, rank) == (0, 0) else None
    if run is None or run.type != HYPERDRIVE:
        raise _unknown(run_id, attempt, rank)


def _unknown(run_id: str, attempt: int, rank: int) -> NotFound:
    return NotFound(f"There is no attempt {attempt} (rank {rank}) of run {run_id!r}.")


def give_up(write: Write, run_id: str, attempt: int, rank: int, outcome: Outcome, now: Micros) -> None:
    """The rank has ended so, and nothing comes of it."""
    progress = Progress.find(write, run_id, attempt, rank)
    progress.ended(outcome, now)
    progress.closed([], now)


def must_stop(read: Read, run_id: str, attempt: int) -> bool:
    """Whether the scripts of an attempt are to be stopped: canceled, or another rank failed."""
    found = attempt_store.standing(read, run_id, attempt)
    return not found.exists or found.is_over or any(why is not EndReason.COMPLETED for why in found.reasons)


def is_last(read: Read, run_id: str, attempt: int) -> bool:
    """Whether the scripts of all ranks have ended, so that nothing more comes of the attempt."""
    return attempt_store.have_ended(read, run_id, attempt)
