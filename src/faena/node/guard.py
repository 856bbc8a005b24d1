"""The guard: a small process between runner and script that lets nothing of the script outlive its run.

It is forked by the fork server, or started as `python -I -S guard.py FOLDER LIFELINE LOCK LAUNCH [KEPT …]`: FOLDER is
the attempt folder, the others are descriptors. LIFELINE is a pipe to the runner: the byte `g` has the script started,
others ask it to stop it (`c` cancel, `t` time limit, `r` its folder was removed, `l` the server gave the node up), or
to send it the signal that it wants when its time is up soon (`e`), or tell of a new moment at which the guard stops it
by itself (`fence.py`); the pipe's end means that the runner
is gone. LOCK is the attempt's `guard.lock`, held, and LAUNCH a file that says how the script is started. The guard
writes `start.json` and `end.json` and leaves last.

It adopts every orphan of the script (child subreaper), so that also what was put into a session of its own is found.

It may be forked in the interpreter of a run's environment, too (`template.py`): Python 3.6 and the standard library.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from faena.attempts import script_files  # the guard starts without site-packages
from faena.attempts.script_files import write_record
from faena.node import boot_clock, cgroups, processes
from faena.node.fence import LOOK_S, MOVED, Fence
from faena.node.script_process import (
    PR_SET_CHILD_SUBREAPER,
    PR_SET_NAME,
    die_with_parent,
    enter,
    prctl,
    wake_by_signals,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_REMOVED_GRACE = 2.0
"""Seconds that a script gets whose folder was removed: it has nowhere to save anything."""
_PEER_GRACE = 1.0
"""Seconds that a rank gets when another one has failed: it mostly waits for that one in a call that never ends."""
_LEFTOVER_GRACE = 2.0
"""Seconds that children of a script which ended by itself get to leave."""


class Guard:
    """Of the script of the attempt in the folder `folder`.

    `ahead`: begins the script in a child of this process that was forked before, and put into the control group
    `group`; None where it could not.
    """

    def __init__(
        self,
        folder: Path,
        launch: dict[str, Any],
        lifeline: int,
        ahead: Callable[[], int | None] | None = None,
        group: Path | None = None,
    ) -> None:
        self._folder = folder
        self._launch = launch
        self._lifeline = lifeline
        self._ahead = ahead
        self._group = group
        self._script = 0
        self._stopped_for: str | None = None
        self._kill_at: float | None = None
        self._fence = Fence(launch["fence"], launch["grace"]) if "fence" in launch else None
        self._given_up = False
        self._killed = False
        """Whether the script outlived its grace."""
        self._for_peer = False
        """Whether it is stopped since a rank on another node failed."""
        self._is_killing = False

    def run(self) -> None:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        prctl(PR_SET_NAME, b"faena-guard")
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._stop("cancel"))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        wake_by_signals(wake_write)
        group = self._group or cgroups.create(f"faena-{os.getpid()}")
        oom_before = cgroups.oom_kills_at_first(group)
        begun = boot_clock.now()
        at = time.time_ns() // 1000  # before the look at the runner: one that dies later died after the start
        if self._runner_is_gone():
            cgroups.remove(group)
            self._end({"not_started": "", "stopped_for": "runner_lost"})
            return
        if self._fence is not None and self._fence.is_reached:
            cgroups.remove(group)
            self._end({"not_started": "", "stopped_for": "fenced"})
            return
        failure = self._start(group, at)
        if failure:
            self._end({"not_started": failure})
            return
        status = self._wait(wake_read)
        ended, seconds = time.time_ns() // 1000, boot_clock.now() - begun
        self._clear(_LEFTOVER_GRACE if self._stopped_for is None else 0.0)
        oom_after = cgroups.oom_kills(group) if status else None  # who ends well was not killed
        memory_kills = None if oom_before is None or oom_after is None else oom_after - oom_before
        out_of_memory = (
            os.WIFSIGNALED(status)
            and os.WTERMSIG(status) == signal.SIGKILL
            and self._stopped_for is None
            and bool(memory_kills)
        )
        cgroups.remove(group)
        self._end(
            {
                "exit_code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
                "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
                "out_of_memory": out_of_memory,
                "memory_kills": memory_kills,
                "stopped_for": self._stopped_for,
                "silent": self._fence.seconds if self._fence is not None and not self._given_up else None,
                "killed_after": self._launch["grace"] if self._killed and not self._for_peer else None,
                "ended": ended,
                "seconds": seconds,
                "left": script_files.streams_left(self._folder),
            }
        )

    def _runner_is_gone(self) -> bool:
        """Then the script is not started: another node may be given the run, and a script starts once."""
        poll = select.poll()
        poll.register(self._lifeline, 0)  # the pipe's end is reported in any case
        return bool(poll.poll(0))

    def _start(self, group: Path | None, at: int) -> str | None:
        """Start the script; why it could not be started, or None."""
        warm = None if self._ahead is None else self._ahead()
        started = self._start_cold(group) if warm is None else warm
        if isinstance(started, str):
            return started
        self._script = started
        process = processes.read(self._script)
        started_at = process.started if process else 0
        record = {"pid": self._script, "process_started": started_at, "at": at, "warm": warm is not None}
        write_record(self._folder, "start", record)
        return None

    def _start_cold(self, group: Path | None) -> int | str:
        """The script's process, or why there is none."""
        report_read, report_write = os.pipe2(os.O_CLOEXEC)
        guard = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(report_read)
            self._become_script(group, report_write, guard)
        os.close(report_write)
        failure = b"".join(iter(lambda: os.read(report_read, 4096), b"")).decode("utf-8", "replace")
        os.close(report_read)
        if failure:
            os.waitpid(pid, 0)
            return failure
        return pid

    def _become_script(self, group: Path | None, report: int, guard: int) -> None:
        """In the child: never returns."""
        launch = self._launch
        try:
            die_with_parent()
            if os.getppid() != guard:  # it died before the line above
                os._exit(1)
            enter(launch, group, self._folder)
            variables = {_encoded(name): _encoded(value) for name, value in launch["env"].items()}
            os.execvpe(launch["argv"][0], launch["argv"], variables)
        except BaseException as error:  # noqa: BLE001  must reach the parent: there is nobody else to tell
            strerror = getattr(error, "strerror", None) or str(error)
            os.write(report, f"{launch['argv'][0]} could not be started: {strerror}".encode())
        finally:
            os._exit(127)

    def _wait(self, wake: int) -> int:
        """Until the script's own process has ended; its wait status."""
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        poll.register(self._lifeline, select.POLLIN)
        while True:
            status = self._reap()
            if status is not None:
                return status
            ready = poll.poll(self._timeout())
            if self._lifeline not in dict(ready):  # else it may be told of a later moment
                self._look_at_fence()
            if self._kill_at is not None and time.monotonic() >= self._kill_at:
                self._is_killing = True
                self._signal_all(signal.SIGKILL)
                self._killed = self._stopped_for not in ("runner_lost", "fenced")
                self._kill_at = time.monotonic() + 0.1  # again, for what was forked meanwhile
            for descriptor, _ in ready:
                if descriptor == wake:
                    os.read(wake, 4096)
                    continue
                asked = os.read(self._lifeline, 1)
                if asked == b"r":
                    self._stop("removed", grace=_REMOVED_GRACE)
                elif asked == b"p":
                    self._for_peer = True
                    self._stop("cancel", grace=min(_PEER_GRACE, self._launch["grace"]))
                elif asked == b"e":
                    self._signal_early()
                elif asked == MOVED and self._fence is not None:
                    self._fence.move(self._lifeline)
                elif asked == b"l":
                    self._given_up = True
                    self._stop("fenced", grace=0.0)
                elif asked:
                    self._stop({b"c": "cancel", b"t": "time_limit", b"d": "drained"}.get(asked, "cancel"))
                else:
                    poll.unregister(self._lifeline)
                    self._stop("runner_lost", grace=0.0)

    def _timeout(self) -> float | None:
        """Milliseconds until there is something to do, whatever comes; None: nothing."""
        left = [] if self._kill_at is None else [max(0.0, self._kill_at - time.monotonic())]
        if self._fence is not None and not self._is_killing:
            left.append(LOOK_S if self._fence.is_reached else min(LOOK_S, self._fence.left))
        return min(left) * 1000 if left else None

    def _look_at_fence(self) -> None:
        """Again and again until it is killed: the machine may sleep while a grace lasts, too."""
        if self._fence is not None and not self._is_killing and self._fence.is_reached:
            self._stop("fenced", grace=self._fence.grace)

    def _reap(self) -> int | None:
        """Collect who has ended; the script's wait status if it is among them."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return None
            if pid == 0:
                return None
            if pid == self._script:
                return status

    def _stop(self, reason: str, grace: float | None = None) -> None:
        if self._stopped_for is None:
            self._stopped_for = reason
            self._signal_all(signal.SIGTERM)
        until = time.monotonic() + (self._launch["grace"] if grace is None else grace)
        self._kill_at = until if self._kill_at is None else min(self._kill_at, until)

    def _signal_early(self) -> None:
        """The script's own process alone: others of it may know nothing of the signal, and end."""
        number = self._launch.get("early_signal")
        if number:
            os.kill(self._script, number)  # it is not collected yet

    def _signal_all(self, number: int) -> None:
        for process in processes.descendants(os.getpid()):
            try:
                os.kill(process.pid, number)
            except ProcessLookupError:
                continue

    def _clear(self, grace: float) -> None:
        """End what the script left behind: SIGTERM, then SIGKILL until no child is left."""
        if not self._has_children():
            return
        self._signal_all(signal.SIGTERM)
        kill_at = time.monotonic() + grace
        while self._has_children():
            if time.monotonic() >= kill_at:
                self._signal_all(signal.SIGKILL)
            time.sleep(0.01)

    def _has_children(self) -> bool:
        """Every orphan below is a child of this process, too: the kernel knows without a look at all processes."""
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return False
        return True

    def _end(self, record: dict[str, Any]) -> None:
        """Also on a full disk: what is known waits until it can be written, or the runner is gone as well."""
        while True:
            try:
                write_record(self._folder, "end", record)
                return
            except FileNotFoundError:  # the folder was removed: whoever is left says so
                return
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                time.sleep(0.2)


def _encoded(text: str) -> bytes:
    """As the script's interpreter decodes it; UTF-8 for what the locale has no characters for."""
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")


def serve(
    folder: str,
    lifeline: int,
    *kept: int,
    ahead: Callable[[int], int | None] | None = None,
    group: Path | None = None,
) -> None:
    """Start the script once the runner says so, and stay as long as it. The descriptors are this process's alone.

    `kept`: the guard's lock, the launch, and what else is to be held as long. `ahead`: as a Guard's, given the
    launch. `group`: as a Guard's.
    """
    for descriptor in (lifeline, *kept):
        os.set_inheritable(descriptor, False)
    os.chdir(folder)
    launch = json.loads(os.pread(kept[1], os.fstat(kept[1]).st_size, 0))
    if os.read(lifeline, 1):  # else the runner took another guard, or is gone
        begin = None if ahead is None else lambda: ahead(kept[1])
        Guard(
            Path(), launch, lifeline, begin, group
        ).run()  # the workspace may be moved while the script runs


if __name__ == "__main__":
    serve(sys.argv[1], *map(int, sys.argv[2:]))
