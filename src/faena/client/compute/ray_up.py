"""`ray up` and `ray down`: a Ray of the user's own, as a child process, whose output is shown as it comes."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import yaml

from faena.kernel import settings
from faena.kernel.durable import write_atomically
from faena.kernel.errors import ComputeTargetException, UserErrorException

_KEPT = 20
"""Last lines of a command that failed, for its error."""
_LONGEST = 4000
_DASHBOARD = 8265
_POLL = 0.5
_ADDRESS = re.compile(r"[0-9A-Za-z][0-9A-Za-z.:\-]{0,252}", re.ASCII)


class RayUp:
    """The Ray cluster of one autoscaler configuration. `command`: the program `ray`. `tell`: gets each line."""

    def __init__(self, config: Path, command: str, tell: Callable[[str], None] = lambda line: None) -> None:
        """Raises UserErrorException where there is no such program."""
        found = shutil.which(str(Path(command).expanduser()))
        if found is None:
            raise UserErrorException(
                f"There is no program {command[:200]!a}. Name the `ray` of an environment that has Ray "
                "(ray_command=…, --ray); Faena has none, and needs none for itself."
            )
        self.config, self.command = config, str(Path(found).absolute())
        self._tell = tell

    def up(self) -> None:
        """Start it, or bring it to what the configuration says. Raises ComputeTargetException."""
        self._run("up", "-y", str(self.config))

    def head(self) -> str:
        """The address of its head's dashboard, at the port that dashboards have. Raises ComputeTargetException."""
        lines = self._run("get-head-ip", str(self.config), quiet=True)
        said = lines[-1] if lines else ""
        if not _ADDRESS.fullmatch(said):
            raise ComputeTargetException(
                f"`ray get-head-ip {self.config}` said {said[:200]!a}, which is no address. Give the dashboard's: "
                "address=…, --dashboard."
            )
        return f"http://[{said}]:{_DASHBOARD}" if ":" in said else f"http://{said}:{_DASHBOARD}"

    def down(self) -> None:
        """End it. Raises ComputeTargetException."""
        self._run("down", "-y", str(self.config))

    def _run(self, *words: str, quiet: bool = False) -> list[str]:
        """The last lines that it said."""
        last: deque[str] = deque(maxlen=_KEPT)
        process = subprocess.Popen(
            [self.command, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=self.config.parent,  # what the configuration names lies beside it
        )
        said = process.stdout
        assert said is not None
        try:
            for line in said:
                if shown := line.rstrip()[:_LONGEST]:
                    last.append(shown.strip())
                    if not quiet:
                        self._tell(shown)
            code = process.wait()
        finally:
            if process.poll() is None:  # Ctrl-C, say
                process.terminate()
                process.wait()
            said.close()
        if code:
            raise ComputeTargetException(
                f"`{Path(self.command).name} {' '.join(words)}` ended with exit code {code}:\n"
                + "\n".join(last)
            )
        return list(last)


def configuration(given: str | Path | Mapping[str, Any], name: str) -> Path:
    """The file of a configuration. One that is given as a dict is kept below the state folder.

    Raises UserErrorException for what is none.
    """
    if isinstance(given, Mapping):
        path = settings.home() / "ray-configurations" / f"{name}-{given.get('cluster_name', 'default')}.json"
        config: Any = dict(given)
    else:
        path = Path(given).expanduser().absolute()
        try:
            config = yaml.safe_load(path.read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise UserErrorException(f"The configuration {path} cannot be read: {error}.") from None
        except yaml.YAMLError as error:
            raise UserErrorException(f"{path} is no YAML: {' '.join(str(error).split())[:300]}.") from None
    if not isinstance(config, dict) or not isinstance(config.get("provider"), Mapping):
        raise UserErrorException(
            f"The configuration {'of ' + repr(name) if isinstance(given, Mapping) else path} has no `provider`. Give "
            "one that `ray up` starts a cluster from."
        )
    if isinstance(given, Mapping):
        try:
            data = json.dumps(config, indent=1)
        except (TypeError, ValueError) as error:
            raise UserErrorException(f"The configuration of {name!r} cannot be written: {error}.") from None
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_atomically(path, data.encode(), mode=0o600)
    return path


def await_end(address: str, seconds: float, config: Path) -> None:
    """Until no dashboard answers there: `ray down` is content where its `ray stop` failed. Raises
    ComputeTargetException."""
    deadline = time.monotonic() + seconds
    while _answers(address):
        if time.monotonic() > deadline:
            raise ComputeTargetException(
                f"`ray down {config}` has ended, and Ray still answers at {address}. What it said tells why: of nodes "
                "that it does not own (provider `local`) it only runs `ray stop`, in a login shell of the head, which "
                "must have `ray` on its PATH. End it there by `ray stop`."
            )
        time.sleep(_POLL)


def _answers(address: str) -> bool:
    try:
        with urlopen(f"{address}/api/version", timeout=5.0) as answer:
            return bool(answer.read(1))
    except HTTPError as error:  # it asks for a token
        error.close()
        return error.code in (401, 403)
    except (OSError, ValueError, HTTPException):
        return False


def await_dashboard(address: str, seconds: float, config: Path) -> None:
    """Until somebody listens there. Raises ComputeTargetException."""
    parts = urlsplit(address if "://" in address else f"http://{address}")
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((str(parts.hostname), parts.port or 80), 5.0).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise ComputeTargetException(
                    f"The Ray cluster of {config} is up, and nobody answers at {address}: {error.strerror or error}. "
                    "Have its head_start_ray_commands start Ray with --dashboard-host=0.0.0.0, or give the address by "
                    f"which you reach its dashboard (address=…, --dashboard). `ray down {config}` ends it."
                ) from None
        time.sleep(_POLL)
