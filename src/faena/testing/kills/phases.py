"""Who is killed, and in which phase of a run."""

from __future__ import annotations

from enum import StrEnum

from faena.runs.schemas import PhaseView, RunView


class Victim(StrEnum):
    CLIENT = "client"
    SERVER = "server"
    RUNNER = "runner"
    SCRIPT = "script"


class Phase(StrEnum):
    PREPARING = "preparing"
    QUEUED = "queued"
    RUNNING = "running"
    FINALIZING = "finalizing"


PHASE_OF = {
    "NotStarted": Phase.PREPARING,
    "Preparing": Phase.PREPARING,
    "Queued": Phase.QUEUED,
    "Starting": Phase.QUEUED,
    "Running": Phase.RUNNING,
    "Finalizing": Phase.FINALIZING,
}


def makes_sense(victim: Victim, phase: Phase) -> bool:
    """There is a script only while it runs."""
    return victim is not Victim.SCRIPT or phase is Phase.RUNNING


def landed_in(view: RunView, at: int) -> Phase | None:
    """The phase of a run at a time (µs); None when it had ended."""
    if at < view.created_at:
        return Phase.PREPARING
    for phase in view.phases:
        if phase.started_at <= at and _until(phase) >= at:
            return PHASE_OF[phase.name]
    return None


def _until(phase: PhaseView) -> int:
    return phase.ended_at if phase.ended_at is not None else phase.started_at
