"""How a script is started: its environment, its guard."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pwd
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from faena.attempts.checkpoints import FOLDER as CHECKPOINTS
from faena.attempts.folder import SPECIAL, AttemptFolder
from faena.kernel import settings
from faena.node import forking, without_gpu
from faena.node.command import command, programs, search_path, utf8
from faena.node.fence import message
from faena.node.forking import ForkServer, ForkServerLost, NotWarm
from faena.node.ranks import plan, starting

TYPE_CHECKING = False
if TYPE_CHECKING:  # few runs ask for it
    from faena.node.warm.starts import WarmStart, WarmStarts

GRACE = 30.0
"""Seconds from SIGTERM to SIGKILL when a run is canceled or out of time, unless the run says otherwise."""

_FORKS = 2
"""Times that the fork server is tried: one that died is started again."""
_LOCK_PATIENCE = 30.0
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(order: dict[str, Any], folder: AttemptFolder, socket: Path) -> dict[str, str]:
    """What the script sees: what its submitter's process passed on, the node's, what was given, the run's own.

    Nothing of this process's own: it was started by whoever came first.
    """
    variables = {**_account(), **order.get("inherited_variables", {})}
    cores = plan.threads(order["cores"], order.get("distributed"), order["node_count"])
    variables |= dict.fromkeys(_THREADS, str(cores))
    variables["OPENBLAS_NUM_THREADS"] = str(min(cores, order.get("openblas", cores)))
    variables |= {"PYTHONUNBUFFERED": "1", "TERM": "dumb"}
    variables |= order["defaults"]
    variables |= order["environment_variables"]
    variables |= order.get("data_variables", {})
    variables["PATH"] = os.pathsep.join([*programs(order["python"], folder.path), variables["PATH"]])
    variables |= utf8(order["python"], variables)
    variables |= search_path(order["python"], folder.code, variables.get("PYTHONPATH", ""))
    if order["gpus"]:
        variables["CUDA_VISIBLE_DEVICES"] = order["gpus"]
        variables["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # as nvidia-smi counts, which named them
    return (
        {"CUDA_VISIBLE_DEVICES": ""}
        | variables
        | {
            "FAENA_HOME": str(settings.home_path()),
            "FAENA_RUNTIME": str(settings.runtime_path()),
            "FAENA_RUN_ID": order["run_id"],
            "AZUREML_RUN_ID": order["run_id"],
            "FAENA_EXPERIMENT": order["experiment"],
            "FAENA_WORKSPACE": order["workspace"],
            "FAENA_WORKSPACE_FOLDER": order["workspace_folder"],
            "FAENA_PYTHON": sys.executable,
            "FAENA_AZUREML": _v1_names(),
            "FAENA_ATTEMPT": str(order["attempt"]),
            "FAENA_CHECKPOINTS": str(folder.code / order.get("checkpoint_folder", CHECKPOINTS)),
            "FAENA_RANK": str(order["rank"]),
            "FAENA_NODE_COUNT": str(order["node_count"]),
            "FAENA_SPOOL": str(folder.spool),
            "FAENA_SOCKET": str(socket),
            "FAENA_GPU": order["gpu"],
            "FAENA_MARK": mark(order),
        }
    )


def _account() -> dict[str, str]:
    """What a login gives everybody: for runs that were submitted without it."""
    found = {"PATH": _PATH}
    try:
        account = pwd.getpwuid(os.getuid())
    except KeyError:  # a container's user that has no account
        return found
    names = {"USER": account.pw_name, "LOGNAME": account.pw_name, "SHELL": account.pw_shell}
    return {**found, **names, "HOME": account.pw_dir}


@cache
def _v1_names() -> str:
    """The folder of faena-azureml, whose names scripts may load; empty where it is not installed."""
    found = importlib.util.find_spec("faena_azureml")
    return "" if found is None or found.origin is None else str(Path(found.origin).parents[1])


def mark(order: dict[str, Any]) -> str:
    """Names the attempt in the environment of each of its processes."""
    return f"{order['run_id']}.{order['attempt']}.{order['rank']}"


class GuardProcess:
    """The guard of a script, started; its death and its records are the script's end."""

    def __init__(
        self,
        order: dict[str, Any],
        folder: AttemptFolder,
        socket: Path,
        forks: ForkServer | None = None,
        *,
        warm: WarmStarts | None = None,
        files: Iterable[Mapping[str, Any]] = (),
        fence: Mapping[str, float] | None = None,
    ) -> None:
        """Forked by `forks`, started anew where that cannot be. Raises OSError.

        `warm`: from where an order for a warm start is fulfilled; `files`: of the snapshot. `fence`: when it ends the
        script by itself (`fence.described`), unless it is told of a later moment.
        """
        for name in SPECIAL:
            (folder.code / name).mkdir(exist_ok=True)
        folder.spool.mkdir(exist_ok=True)
        folder.system.mkdir(exist_ok=True)
        variables = environment(order, folder, socket)
        launch = {
            "argv": starting.of_ranks(order, folder, socket)
            if order.get("distributed")
            else command(order, folder.code),
            "cwd": str(folder.code),
            "env": variables,
            "mounts": order.get("mounts", []),
            "early_signal": (order.get("early_signal") or [0])[0],
            "grace": GRACE if (grace := order.get("grace")) is None else grace,
            **({} if fence is None else {"fence": fence}),
        }
        self.has_no_gpu = without_gpu.gets_none(order, variables)
        if self.has_no_gpu:
            launch["first_line"] = without_gpu.first_line(shares_files="token" not in order)
        self.cold: str | None = None
        """Why a script that was to be started warm was not."""
        self._warm: WarmStart | None = None
        if order.get("warm") and warm is not None:
            try:
                self._warm = warm.prepare(order, launch, folder, files)
            except NotWarm as error:
                self.cold = str(error)
        environment_lock = _hold_environment(order.get("environment_lock", ""))
        described = forking.file_of(launch)
        self._writing = threading.Lock()
        self._is_closed = False
        try:
            self._started, self._lifeline = self._start(folder, [described, *environment_lock], forks)
        finally:
            for descriptor in (described, *environment_lock):
                os.close(descriptor)

    def _start(
        self, folder: AttemptFolder, descriptors: list[int], forks: ForkServer | None
    ) -> tuple[forking.Started, int]:
        """A guard that has its word, and the runner's end of its lifeline. Raises OSError.

        One of which nobody knows whether it was forked never gets the word: it leaves as its lifeline ends. One that
        was killed before its word could be given has started nothing, and another takes its place.
        """
        ways: list[Callable[[Path, list[int]], forking.Started]] = [self._warm] if self._warm else []
        ways += [forks.fork] * _FORKS if forks else []
        for start in (*ways, forking.start_alone):
            # Taken here and inherited: whoever adopts the attempt cannot come before a guard that is still starting.
            lock = _hold(folder.guard_lock)
            theirs, ours = os.pipe2(os.O_CLOEXEC)
            try:
                started = start(folder.path, [theirs, lock, *descriptors])
            except NotWarm as error:
                os.close(ours)
                self.cold, self._warm = str(error), None
                continue
            except (ForkServerLost, OSError) as error:
                os.close(ours)
                if start is forking.start_alone:
                    raise
                print(f"the fork server is of no use: {error}", flush=True)
                continue
            finally:
                os.close(theirs)
                os.close(lock)
            try:
                os.write(ours, b"g")
            except BrokenPipeError:
                os.close(ours)
                forking.forget(started)
                if start is forking.start_alone:
                    raise
                if start is self._warm:
                    self.cold, self._warm = "its guard was killed before it began", None
                print("a guard was killed before it began", flush=True)
                continue
            return started, ours
        raise AssertionError("unreachable")

    @property
    def pid(self) -> int:
        return self._started.pid

    def ask_to_stop(self, reason: bytes) -> None:
        """`b"c"` cancel, `b"t"` time limit, `b"r"` its folder was removed, `b"l"` the server gave the node up, `b"p"`
        a rank on another node failed; `b"e"` its time is up soon.

        Silent when the guard has left already."""
        self._tell(reason)

    def move_fence(self, at: float) -> None:
        """Have it end the script at another moment. On any thread, and never held up by a guard that stands still."""
        self._tell(message(at), waits=False)

    def _tell(self, word: bytes, *, waits: bool = True) -> None:
        with self._writing:
            if self._is_closed or not (waits or _takes_more(self._lifeline)):
                return
            with suppress(BrokenPipeError):
                os.write(self._lifeline, word)

    def kill(self) -> None:
        """For one that stands still: the script's own process dies with it. Silent when it has left."""
        with suppress(ProcessLookupError):
            if self._started.end is not None:
                signal.pidfd_send_signal(self._started.end, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float, sign: int = -1) -> bool:
        """Whether the guard has left within `timeout` seconds, or until `sign`, a descriptor, can be read."""
        return forking.has_ended(self._started, timeout, sign)

    def told(self, folder: AttemptFolder) -> list[str]:
        """Once it has left: which variables a script that was started warm has set too late."""
        return [] if self._warm is None else self._warm.ended(folder)

    def close(self) -> None:
        with self._writing:
            self._is_closed = True
            os.close(self._lifeline)
        if self._started.end is not None:
            os.close(self._started.end)


def _takes_more(pipe: int) -> bool:
    poll = select.poll()
    poll.register(pipe, select.POLLOUT)
    return any(events & select.POLLOUT for _, events in poll.poll(0))


def _hold(path: Path) -> int:
    """A descriptor that holds the flock on `path`. Raises TimeoutError where somebody else does not let it go."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + _LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(descriptor)
                raise TimeoutError(f"{path} is held by another guard") from None
            time.sleep(0.01)


def _hold_environment(path: str) -> list[int]:
    """A descriptor that keeps the environment from being pruned while its inheritor, the guard, lives."""
    if not path:
        return []
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:  # where nobody can write, nobody prunes
        return []
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    os.utime(descriptor)  # when it was last used
    return [descriptor]
