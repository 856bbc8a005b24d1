"""Answers to requests for files whose address has died, or does not answer now. Loaded when the first is asked for."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from threading import Thread

import _faena_dead_addresses as addresses
from _faena_dead_data import tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Set, Tuple

PATIENCE = 5.0
"""Seconds that an address which may live has to begin its answer, its name's resolution included."""
_LONGEST = 900.0
"""Seconds that fetching a data set may take."""
_failed: Set[str] = set()
"""Hosts that gave nothing to this process: they are not asked again."""
_given: Dict[str, str] = {}
"""Folders of data sets that this process has been given."""
inside: List[bool] = []
"""Not empty while a framework's own function asks, which is answered itself where it fails."""


def for_urllib(url: str, method: str, ask: Callable[[], Any]) -> Any:
    """What `urlopen` gives. Raises URLError."""
    import urllib.error
    from http.client import HTTPResponse

    try:
        content = _content(url, ask, urllib.error.URLError)
    except NotAnswered as error:
        return error.live
    name = url.partition("?")[0].rpartition("/")[2]
    socket: Any = _Socket(_head(name, content) + (b"" if method == "HEAD" else content))
    answer = HTTPResponse(socket, method=method)
    answer.begin()
    answer.url = url
    answer.msg = answer.reason  # type: ignore[assignment]  # as urllib itself does
    return answer


def for_requests(adapter: Any, request: Any, ask: Callable[[], Any]) -> Any:
    """What `HTTPAdapter.send` gives. Raises requests' ConnectionError."""
    from requests.exceptions import ConnectionError as Refused
    from urllib3.response import HTTPResponse

    def asked() -> Any:
        answer = ask()
        if answer.status_code >= 400:
            answer.close()
            raise Refused("it answered {}".format(answer.status_code))
        return answer

    try:
        content = _content(request.url, asked, Refused)
    except NotAnswered as error:
        return error.live
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(content))}
    body = io.BytesIO(b"" if request.method == "HEAD" else content)
    return adapter.build_response(
        request, HTTPResponse(body=body, headers=headers, status=200, reason="OK", preload_content=False)
    )


class NotAnswered(Exception):
    """The address lives: `live` is what it said."""

    def __init__(self, live: Any) -> None:
        super().__init__()
        self.live = live


def _content(url: str, ask: Callable[[], Any], kind: Callable[[str], Exception]) -> bytes:
    """The bytes of the file at `url`. Raises NotAnswered where that lives, `kind` where nothing can be given."""
    host, path = _parts(url)
    row = addresses.find(host, path)
    if row is None or (inside and row[1] == "mnist.npz"):
        why = addresses.why_not(host, path)
        if not why:
            raise NotAnswered(ask())
        try:
            raise NotAnswered(ask())
        except OSError as error:
            raise kind("{} ({}). {}.".format(_told(error), url, why)) from error
    prefix, dataset, lives = row
    if lives and host not in _failed:
        live = _within(PATIENCE, ask)
        if live is not None:
            raise NotAnswered(live)
        _failed.add(host)
    try:
        content = _file(dataset, path[len(prefix) :])
    except Failed as error:
        raise kind("{} gave nothing, and Faena's copy could not be brought: {}".format(url, error)) from error
    address = "{}://{}{}".format(url.partition("://")[0], host, prefix)
    tell(address, addresses.MADE_OF.get(dataset, dataset), "did not answer" if lives else "is dead")
    return content


def tell_of_program(command: str) -> None:
    """A command of a notebook that has failed, such as `wget`, where an address in it is one that is known."""
    for word in command[:10000].replace("'", " ").replace('"', " ").split():
        host, path = _parts(word)
        why = addresses.why_not(host, path)
        if addresses.find(host, path) is not None:
            sys.stderr.write(
                "faena: programs get no answer for {}. In Python urllib.request.urlretrieve(address, name) "
                "gets the published file.\n".format(word)
            )
        elif why:
            sys.stderr.write("faena: {}: {}.\n".format(word, why))


def _parts(url: str) -> Tuple[str, str]:
    """Host, small and without a port, and path without a query."""
    rest = url.partition("://")[2]
    host = rest.partition("/")[0].partition(":")[0].lower()
    return host, "/" + rest.partition("/")[2].partition("?")[0].partition("#")[0]


def _told(error: Exception) -> str:
    return str(getattr(error, "reason", None) or error)[:500]


def _within(seconds: float, ask: Callable[[], Any]) -> Any:
    """The answer of an address, or None where it gives none in time, or an error. A thread: names may take minutes."""
    found: List[Any] = []
    late: List[bool] = []

    def wait() -> None:
        try:
            answer = ask()
        except Exception:  # noqa: BLE001  whatever it is, the address gives nothing
            return
        if late:
            answer.close()
        else:
            found.append(answer)

    thread = Thread(target=wait, name="faena-dead-data", daemon=True)
    thread.start()
    thread.join(seconds)
    late.append(True)
    return found[0] if found else None


class Failed(Exception):
    """A data set cannot be had; the sentence says why."""


def _file(dataset: str, name: str) -> bytes:
    if dataset in addresses.MADE_OF:
        import _faena_dead_sets

        made: bytes = _faena_dead_sets.MADE[dataset]()
        return made
    with open(os.path.join(folder_of(dataset), name), "rb") as file:
        return file.read()


def folder_of(dataset: str) -> str:
    """Where its files lie, fetched and verified once for this user. Raises Failed."""
    if dataset not in _given:
        root = _in_a_run(dataset) if os.environ.get("FAENA_SOCKET") else _on_the_host(dataset)
        _given[dataset] = os.path.join(root, "originals", "mnist" if dataset == "mnist-files" else dataset)
    return _given[dataset]


def _in_a_run(dataset: str) -> str:
    from faena.script.errors import FaenaError
    from faena.script.rpc import RunnerClient

    try:
        answer = RunnerClient(os.environ["FAENA_SOCKET"]).call(
            "ensure_dataset", {"name": dataset}, timeout=_LONGEST
        )
    except FaenaError as error:
        raise Failed(str(error)) from error
    return os.environ.get("FAENA_DATASETS") or answer["root"]


def _on_the_host(dataset: str) -> str:
    """In a process of its own, by the Python that Faena is installed for."""
    command = [os.environ.get("FAENA_PYTHON") or sys.executable, "-m", "faena.data.originals", dataset]
    foreign = "FAENA_PYTHON" in os.environ
    kept = {name: value for name, value in os.environ.items() if not (foreign and name.startswith("PYTHON"))}
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, env=kept, timeout=_LONGEST, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed("{} failed: {}".format(command[0], error)) from error
    if done.returncode:
        raise Failed("what was printed above has the cause")
    return os.fsdecode(done.stdout).rstrip("\n")


def _head(name: str, content: bytes) -> bytes:
    kind = "application/gzip" if name.endswith(".gz") else "application/octet-stream"
    return "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n".format(
        kind, len(content)
    ).encode()


class _Socket:
    """As much of one as an HTTPResponse asks for."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_arguments: Any, **_named: Any) -> io.BytesIO:
        return io.BytesIO(self._data)
