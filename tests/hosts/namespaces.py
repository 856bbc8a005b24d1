"""A few hosts on this machine: network namespaces around a first one, each with a /tmp and a home of its own.

    with Hosts(tmp_path) as (server, node):
        server.run("python", …); node.start("python", …); node.cut(); node.heal()

Needs root. What a test that was killed has left is swept when the next one begins: namespaces are called after the
process that made them.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Literal

from faena.kernel.process_identity import Living
from faena.testing.waiting import until

Way = Literal["both", "to", "from"]
"""Of a link, as its host sees it: all is lost, or what the host sends, or what is sent to it."""

_PREFIX = "faena-hosts-"
_NOBODY = "02:00:00:00:00:01"
"""A hardware address that no host has: what is sent there is lost without a word."""
HOME = "/root"
"""Of a host's user, who is root there: behind it each host has a folder of its own."""
_HIDDEN = {HOME: "home", "/tmp": "tmp"}
"""What a host has of its own: a folder in its own folder for each."""
_CHECKOUT = Path(__file__).resolve().parents[2]
_numbers = itertools.count(1)


@cache
def unavailable() -> str:
    """Why there can be no hosts here; empty where there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux can make network namespaces"
    for program in ("ip", "unshare"):
        if shutil.which(program) is None:
            return f"there is no program {program!r} (Debian: iproute2, util-linux)"
    probe = f"{_name()}-probe"
    try:
        _ip("netns", "add", probe)
        _ip("-n", probe, "link", "add", "one", "type", "veth", "peer", "name", "two")
        subprocess.run(
            ["ip", "netns", "exec", probe, "unshare", "--mount", "true"], check=True, capture_output=True
        )
    except subprocess.CalledProcessError as error:
        return f"this machine makes no namespaces: {error.stderr.decode(errors='replace').strip()}"
    finally:
        subprocess.run(["ip", "netns", "del", probe], capture_output=True, check=False)
    return ""


class Host:
    """`address`: by which the others reach it, if it is not the first one, which has one for each of them."""

    def __init__(self, name: str, folder: Path, address: str, hub: str) -> None:
        self.name = name
        self.address = address
        self.hub = hub
        self._hub_name = ""
        self._link = ""
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        for inner in _HIDDEN.values():
            (folder / inner).mkdir(parents=True)
        (folder / "tmp").chmod(0o1777)

    def path(self, inside: str | Path) -> Path:
        """Where a file below the host's /tmp, or in its `HOME`, is as this process sees it."""
        relative = Path(inside).relative_to("/")
        root, *rest = relative.parts
        return self._folder.joinpath(_HIDDEN[f"/{root}"], *rest)

    def start(
        self, *command: str | Path, given: Mapping[str, str] | None = None, log: str = "/tmp/log"
    ) -> subprocess.Popen[bytes]:
        """A process of this host. `log`: a file of the host's that it writes to."""
        with self.path(log).open("ab") as into:
            self._started.append(self._begin(command, given, into))
            return self._started[-1]

    def talk(
        self, *command: str | Path, given: Mapping[str, str] | None = None, log: str = "/tmp/log"
    ) -> subprocess.Popen[bytes]:
        """As `start`, one whose standard input and output are this process's, to be closed by it."""
        with self.path(log).open("ab") as errors:
            made = self._begin(command, given, subprocess.PIPE, stdin=subprocess.PIPE, stderr=errors)
        self._started.append(made)
        return made

    def run(
        self,
        *command: str | Path,
        given: Mapping[str, str] | None = None,
        check: bool = True,
        seconds: float = 120.0,
    ) -> str:
        """What it prints. Raises AssertionError where it fails, unless `check` is false."""
        process = self._begin(command, given, subprocess.PIPE)
        try:
            said = process.communicate(timeout=seconds)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            process.kill()
            said = process.communicate()[0].decode(errors="replace")
            raise AssertionError(
                f"{command} on {self.name} takes longer than {seconds:g} s: {said}"
            ) from None
        assert not check or process.returncode == 0, (
            f"{command} on {self.name} ended with {process.returncode}: {said}"
        )
        return said

    def cut(self, way: Way = "both") -> None:
        """From now on what is sent over its link is lost without a word, as where a switch is off."""
        if way in ("both", "to"):
            _ip(
                "-n",
                self.name,
                "neigh",
                "replace",
                self.hub,
                "lladdr",
                _NOBODY,
                "dev",
                "eth0",
                "nud",
                "permanent",
            )
        if way in ("both", "from"):
            lost = [
                "neigh",
                "replace",
                self.address,
                "lladdr",
                _NOBODY,
                "dev",
                self._link,
                "nud",
                "permanent",
            ]
            _ip("-n", self._hub_name, *lost)

    def heal(self) -> None:
        _ip("-n", self.name, "neigh", "flush", "dev", "eth0", "nud", "permanent")
        _ip("-n", self._hub_name, "neigh", "flush", "dev", self._link, "nud", "permanent")

    @contextmanager
    def away(self, way: Way = "both") -> Iterator[None]:
        self.cut(way)
        try:
            yield
        finally:
            self.heal()

    def processes(self) -> list[int]:
        return _pids(self.name)

    def ended(self) -> list[tuple[str, int]]:
        """Its processes that have ended by themselves, and how."""
        codes = [(str(each.args), each.poll()) for each in self._started]
        return [(command, code) for command, code in codes if code is not None]

    def end(self) -> None:
        """End all that runs there, and be no more."""
        _remove(self.name)
        for process in self._started:
            process.wait()

    def plug(self, hub: Host, link: str) -> None:
        """Lay the link to the first host."""
        self._hub_name, self._link = hub.name, link
        _ip("-n", self.name, "link", "add", "eth0", "type", "veth", "peer", "name", link, "netns", hub.name)
        for name, device, address in ((self.name, "eth0", self.address), (hub.name, link, self.hub)):
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", device)
            _ip("-n", name, "link", "set", device, "up")
        _ip("-n", self.name, "route", "add", "default", "via", self.hub)

    def _begin(
        self,
        command: Sequence[str | Path],
        given: Mapping[str, str] | None,
        into: int | IO[bytes],
        *,
        stdin: int = subprocess.DEVNULL,
        stderr: int | IO[bytes] = subprocess.STDOUT,
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self._entry(), *map(str, command)],
            env={**self._variables(), **(given or {})},
            stdin=stdin,
            stdout=into,
            stderr=stderr,
            cwd="/",
            start_new_session=True,
        )

    def _variables(self) -> dict[str, str]:
        """Nothing of this process's that leads to its own folders. The hosts' processes see each other, so that no two
        have a runtime folder of one name."""
        path = f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        own = self.name.removeprefix(_PREFIX).removeprefix("process-")
        found = {"PATH": path, "HOME": HOME, "TMPDIR": "/tmp", "LANG": "C.UTF-8"}
        return {**found, "FAENA_HOME": f"{HOME}/faena", "FAENA_RUNTIME": f"/tmp/{own}"}

    def _entry(self) -> list[str]:
        steps = []
        for root, inner in _HIDDEN.items():
            here = self._folder / inner
            for shown in _shown(Path(root)):
                (here / shown.relative_to(root)).mkdir(parents=True, exist_ok=True)
                steps.append(f"mount --bind {shown} {here / shown.relative_to(root)}")
        steps += [f"mount --rbind {self._folder / inner} {root}" for root, inner in _HIDDEN.items()]
        enter = ["ip", "netns", "exec", self.name, "unshare", "--mount", "--propagation", "private"]
        return [*enter, "sh", "-c", " && ".join([*steps, "cd /tmp", 'exec "$@"']), "sh"]


class Hosts:
    """`count`: how many, the first included, through which the others reach each other."""

    def __init__(self, folder: Path, count: int = 2) -> None:
        self._folder = folder
        self._count = count
        self._made: list[Host] = []

    def __enter__(self) -> list[Host]:
        sweep()
        base = f"{_name()}-{next(_numbers)}"
        try:
            for index in range(self._count):
                address, hub = (
                    (f"10.77.{index}.2", f"10.77.{index}.1") if index else ("127.0.0.1", "127.0.0.1")
                )
                host = Host(f"{base}-{index}", self._folder / f"host{index}", address, hub)
                _ip("netns", "add", host.name)
                self._made.append(host)
                _ip("-n", host.name, "link", "set", "lo", "up")
                if index:
                    host.plug(self._made[0], f"to{index}")
            self._made[0].run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        except BaseException:
            self.close()
            raise
        return self._made

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all that runs there."""
        for host in self._made:
            host.end()
        self._made = []


@cache
def _shown(root: Path) -> list[Path]:
    """What is installed below a folder that is hidden: interpreters, and this checkout."""
    needed = {_CHECKOUT, Path(sys.prefix).resolve()}
    base = Path(sys.base_prefix).resolve()
    pyenv = next((each for each in base.parents if each.name == ".pyenv"), None)
    needed.add(pyenv or base)
    inside = sorted(each for each in needed if each.is_relative_to(root))
    return [each for each in inside if not any(other in each.parents for other in inside)]


def sweep() -> None:
    """Remove the namespaces whose maker is gone, with all that runs in them."""
    for name in _list():
        maker = name.removeprefix(_PREFIX).split("-")[:3]
        found = Living.of_name("-".join(maker))
        if found is None or not found.lives():
            _remove(name)


def _name() -> str:
    own = Living.of(os.getpid())
    assert own is not None
    return f"{_PREFIX}{own.name}"


def _list() -> list[str]:
    said = _ip("netns", "list").split("\n")
    return [line.split()[0] for line in said if line.startswith(_PREFIX)]


def _remove(name: str) -> None:
    def ended() -> bool:
        for pid in (left := _pids(name)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not left

    until(ended, f"all processes of {name} have ended")
    subprocess.run(
        ["ip", "netns", "del", name], capture_output=True, check=False
    )  # or somebody else swept it


def _pids(name: str) -> list[int]:
    done = subprocess.run(["ip", "netns", "pids", name], capture_output=True, check=False)
    return [int(each) for each in done.stdout.split()]


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True).stdout.decode()
