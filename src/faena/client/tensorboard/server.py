"""The real TensorBoard, on this machine, over the logs of runs: `TensorBoard(runs).start()`, `.stop()`."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from faena.client.tensorboard.copies import Copies
from faena.kernel import with_parent
from faena.kernel.errors import FaenaError, ServiceException, UserErrorException

_PERIOD = 5.0
"""Seconds between looks at runs that go on."""
_PATIENCE = 120.0
"""Seconds that TensorBoard gets to start."""
_GRACE = 10.0
_HOST = "127.0.0.1"
_ANY_PORT = range(65536)
_LAST = 2000
"""Characters of TensorBoard's own output that an error shows."""


class TensorBoard:
    """Of the event files in runs' `logs` and `outputs`; those of runs that go on are brought every few seconds.

    Whatever is on this machine can reach it on 127.0.0.1: TensorBoard knows no sign-in.
    """

    def __init__(self, runs: Any, local_root: str | os.PathLike[str] | None = None, port: int = 6006) -> None:
        """`runs`: one, or several; a sweep stands for its trials. `local_root`: where their files are copied to and
        stay (default: a temporary folder). `port`: 0 for a free one.

        Raises UserErrorException for what is no run or no port.
        """
        if isinstance(port, bool) or not isinstance(port, int) or port not in _ANY_PORT:
            raise UserErrorException(f"port is {str(port)[:40]!r}. Use a number from 0 to 65535.")
        listed = list(runs) if isinstance(runs, Iterable) and not isinstance(runs, str) else [runs]
        self._port = port
        self._is_own = local_root is None
        self._root = Path() if local_root is None else Path(local_root).expanduser().absolute()
        self._runs = listed
        self._copies = Copies(listed, self._root)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._output: Path | None = None

    @property
    def local_root(self) -> str | None:
        """Where the files are, once it has been started."""
        return None if self._root == Path() else str(self._root)

    def start(self, start_browser: bool = False) -> str:
        """Bring the files, start TensorBoard and return its address; that of one that runs already, if it does.

        Raises UserErrorException where it is not installed or the port is taken, ServiceException where it fails.
        """
        if self._process is not None and self._process.poll() is None:
            return self._address
        program = _program()
        self._port = _usable(self._port)
        if self._is_own:
            self._root = Path(tempfile.mkdtemp(prefix="faena-tensorboard-"))
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            self._copies = Copies(self._runs, self._root)
            self._copies.update()
            self._begin(program)
            self._wait_for_answer()
        except BaseException:
            self.stop()
            raise
        atexit.register(self.stop)
        self._stopping.clear()
        self._thread = threading.Thread(target=self._follow, name="tensorboard", daemon=True)
        self._thread.start()
        print(self._address)
        if start_browser:
            import webbrowser

            webbrowser.open(self._address)
        return self._address

    def stop(self) -> None:
        """End it. The files stay where `local_root` was given. Silent where it does not run."""
        atexit.unregister(self.stop)
        self._stopping.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_GRACE)
            self._thread = None
        if self._process is not None:
            _end(self._process)
            self._process = None
        if self._output is not None:
            self._output.unlink(missing_ok=True)
            self._output = None
        if self._is_own and self._root != Path():
            shutil.rmtree(self._root, ignore_errors=True)
            self._root = Path()

    def wait(self) -> None:
        """Until it ends."""
        if self._process is not None:
            self._process.wait()

    @property
    def _address(self) -> str:
        return f"http://{_HOST}:{self._port}/"

    def _begin(self, program: list[str]) -> None:
        descriptor, path = tempfile.mkstemp(prefix="faena-tensorboard-", suffix=".log")
        self._output = Path(path)
        arguments = ["--logdir", str(self._root), "--host", _HOST, "--port", str(self._port)]
        command = with_parent.command([*program, *arguments, "--reload_interval", "5"], os.getpid())
        with os.fdopen(descriptor, "wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is this process's, which ends it
            )

    def _wait_for_answer(self) -> None:
        opener = build_opener(ProxyHandler({}))  # a proxy knows nothing of this machine
        deadline = time.monotonic() + _PATIENCE
        while True:
            assert self._process is not None and self._output is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self._output.read_text(errors="replace")[-_LAST:]
                raise ServiceException(f"TensorBoard did not start. It said:\n{said}")
            with contextlib.suppress(URLError, OSError), opener.open(self._address, timeout=5):
                return
            time.sleep(0.1)

    def _follow(self) -> None:
        while not self._stopping.wait(_PERIOD):
            with contextlib.suppress(FaenaError, OSError):  # the next look tries again
                if not self._copies.update():
                    return


def _program() -> list[str]:
    """What starts TensorBoard: the one of this interpreter, else the one on PATH. Raises UserErrorException."""
    if importlib.util.find_spec("tensorboard") is not None:
        return [sys.executable, "-m", "tensorboard.main"]
    if found := shutil.which("tensorboard"):
        return [found]
    raise UserErrorException(
        "TensorBoard is not installed here: pip install tensorboard, into this environment. Or look at the metrics on "
        "the runs' pages: numbers of event files in ./logs are metrics of the run."
    )


def _usable(port: int) -> int:
    """`port`, or a free one for 0. Raises UserErrorException where somebody has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise UserErrorException(
                f"Port {port} cannot be used: {error.strerror}. Give another one, or port=0 for a free one."
            ) from None
        found: int = probe.getsockname()[1]
        return found


def _end(process: subprocess.Popen[bytes]) -> None:
    """With what it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
            break
