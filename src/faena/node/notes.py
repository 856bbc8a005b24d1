"""What the reader of a run must know of how its attempt went, as it is sent with the attempt's end."""

from __future__ import annotations

from faena.attempts.key import AttemptKey


def unreadable(key: AttemptKey, record: str, message: str) -> dict[str, str]:
    """Each rank has records of its own, and the first note of a code stays."""
    return _note(f"{record}_unreadable" + (f"_{key.rank}" if key.rank else ""), message)


def restarted() -> dict[str, str]:
    """What the script wrote last was on no disk yet, unless it saw to it: a file may be there and yet not be whole."""
    return _note(
        "machine_restarted",
        "The machine was started anew while the run was on it. Files that the script wrote shortly before, such as "
        "checkpoints in outputs, may be missing, empty or cut short: look at them before you use them.",
    )


def killed(key: AttemptKey, grace: float, node_count: int) -> dict[str, str]:
    """The script had no time to save anything, or did not listen; its user must know which."""
    about = f"The script of rank {key.rank} " if node_count > 1 else "The script "
    message = (
        f"{about}had not ended {grace:g} s after SIGTERM and was killed (SIGKILL). Have it save and end sooner when it "
        "gets SIGTERM, or give it more time: grace_seconds, --grace."
    )
    return _note("killed_after_grace", message, about)


def clock_set(key: AttemptKey, by: float, seconds: float, *, elsewhere: bool) -> dict[str, str]:
    """Times are the clock's: its reader must know why they do not add up. `elsewhere`: phases are the server's."""
    shown = "times of its metrics" if elsewhere else "the times that are shown"
    where = f" on which rank {key.rank} ran" if key.rank else ""
    message = (
        f"The clock of the machine{where} was set {'forward' if by > 0 else 'back'} by {abs(by):.1f} s while the "
        f"script ran. It ran for {seconds:.1f} s; {shown} are those of the clock."
    )
    return _note("clock_set" + (f"_{key.rank}" if key.rank else ""), message)


def event_files(key: AttemptKey, message: str) -> dict[str, str]:
    """Of TensorBoard's files in `./logs` something became no metric."""
    return _note("event_files" + (f"_{key.rank}" if key.rank else ""), message)


def secrets_shown(key: AttemptKey, why: str) -> dict[str, str]:
    """Its runner died, and the one that went on did not know what to hide."""
    message = (
        "Values of secrets that the script printed may stand in the last part of its log: the runner that hid them "
        f"died, and {why}"
    )
    return _note("secrets_not_hidden" + (f"_{key.rank}" if key.rank else ""), message)


def disk_full(key: AttemptKey) -> dict[str, str]:
    """Of a node elsewhere, where nothing more could be written while the script ran."""
    message = "The disk of the node was full while the script ran: what it printed, logged or wrote last may be lost."
    return _note("node_disk_full" + (f"_{key.rank}" if key.rank else ""), message)


def of_warm_start(cold: str | None, late: list[str]) -> list[dict[str, str]]:
    """Why a script was not started as it was asked for; which variables it set when nobody read them any more."""
    found = []
    if cold is not None:
        found.append(
            _note("started_cold", f"warm=True was asked for, and the script was started cold: {cold}.")
        )
    if late:
        names = ", ".join(late[:5]) + (f" and {len(late) - 5} more" if len(late) > 5 else "")
        message = (
            f"The script set {names}, which packages read as they are loaded. It was started from an interpreter that "
            "had loaded them, so this came too late. Give the run such variables (environment_variables, --env), or "
            "start it cold (without warm=True)."
        )
        found.append(_note("set_too_late", message))
    return found


def _note(code: str, message: str, about: str = "") -> dict[str, str]:
    """A note, as it is sent."""
    return {"code": code, "message": message, "about": about}
