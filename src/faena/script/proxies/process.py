"""The helper process: on the Python that has Faena, for as long as this process or a fork of it lives."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile

from faena.script.errors import ClientMissing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict

PYTHON = "FAENA_PYTHON"
"""The environment variable that names it."""
_MODULE = "faena.helper"
_NOT_PASSED = ("PYTHON", "LD_", "DYLD_")
"""How variables begin that are about this interpreter alone."""
_LONGEST_PATH = 100
_LAST_WORDS = 4000


def passed_on(variables: Dict[str, str]) -> Dict[str, str]:
    """Those that the helper has as well."""
    return {name: value for name, value in variables.items() if not name.startswith(_NOT_PASSED)}


class Helper:
    """Started; whoever connects before it listens waits in the line of its socket."""

    def __init__(self) -> None:
        """Raises ClientMissing where it cannot be started."""
        python = os.environ.get(PYTHON)
        if not python:
            raise ClientMissing(
                "Faena's handles need a Python that has Faena, and {} does not name one. Nodes and the kernels of "
                "`faena lab` and `faena kernel install` set it.".format(PYTHON)
            )
        self._folder = _private_folder()
        self.path = os.path.join(self._folder, "s")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            mask = os.umask(0o177)
            try:
                listener.bind(self.path)
            finally:
                os.umask(mask)
            listener.listen(64)
            self._words = tempfile.TemporaryFile()  # noqa: SIM115  it is read once the helper is gone
            self._process = subprocess.Popen(
                [python, "-E", "-P", "-m", _MODULE, str(listener.fileno()), self._folder],
                pass_fds=(listener.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._words,
                env=passed_on(dict(os.environ)),
                start_new_session=True,  # Ctrl-C of a terminal is not for it
            )
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise ClientMissing(
                "The Python that has Faena cannot be started: {} ({}, from {}).".format(
                    python, error.strerror, PYTHON
                )
            ) from None
        finally:
            listener.close()
        self.pid = self._process.pid

    def connect(self) -> socket.socket:
        """Raises OSError where it is gone."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(self.path)
        except OSError:
            connection.close()
            raise
        return connection

    def last_words(self) -> str:
        """What it wrote to stderr before it left, the end of it."""
        try:
            self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            pass
        self._words.seek(0, os.SEEK_END)
        self._words.seek(max(0, self._words.tell() - _LAST_WORDS))
        return self._words.read().decode("utf-8", "replace").strip()

    def wait(self, seconds: float) -> None:
        """Until it has left, or for so long."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass

    def discard(self) -> None:
        """Once it is gone."""
        self._process.poll()
        self._words.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _private_folder() -> str:
    """A new one that only this user can enter, with a path short enough for a socket's name."""
    for place in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):
        if place and len(place) < _LONGEST_PATH - 30 and os.access(place, os.W_OK | os.X_OK):
            return tempfile.mkdtemp(prefix="faena-helper-", dir=place)
    return tempfile.mkdtemp(prefix="faena-helper-")
