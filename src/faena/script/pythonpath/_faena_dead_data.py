"""Data sets whose addresses have died: scripts that ask for them get the published files, from Faena's verified copy.

`urllib` and `requests` are changed once something imports them, and so are a few functions of frameworks that compare a
digest which no copy can have. Each address is told once a run, on stderr and among what went into the run.
`FAENA_DEAD_DATA=off` turns all of it off.
"""

from __future__ import annotations

import functools
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

SETTING = "FAENA_DEAD_DATA"
_OFF = ("off", "0", "no", "false")


def is_on() -> bool:
    """Looked at with each question: a process that is forked for a script has that script's variables."""
    return os.environ.get(SETTING, "").lower() not in _OFF


def _change_urllib(module: Any) -> None:
    whole = module.OpenerDirector.open
    unknown = whole.__defaults__[-1]

    @functools.wraps(whole)
    def open(self: Any, fullurl: Any, data: Any = None, timeout: Any = unknown) -> Any:  # noqa: A001  as it is called
        url = fullurl if isinstance(fullurl, str) else getattr(fullurl, "full_url", "")
        if _host(url) in _hosts() and is_on():
            import _faena_dead_answers

            method = "GET" if isinstance(fullurl, str) else fullurl.get_method()
            return _faena_dead_answers.for_urllib(
                url, method, functools.partial(whole, self, fullurl, data, timeout)
            )
        return whole(self, fullurl, data, timeout)

    module.OpenerDirector.open = open


def _change_requests(module: Any) -> None:
    whole = module.HTTPAdapter.send

    @functools.wraps(whole)
    def send(self: Any, request: Any, *arguments: Any, **named: Any) -> Any:
        if _host(request.url) in _hosts() and is_on():
            import _faena_dead_answers

            return _faena_dead_answers.for_requests(
                self, request, functools.partial(whole, self, request, *arguments, **named)
            )
        return whole(self, request, *arguments, **named)

    module.HTTPAdapter.send = send


def _change_shell(module: Any) -> None:
    """Of notebooks, where `!wget` says nothing of what could be done."""
    whole = module.ZMQInteractiveShell.system

    @functools.wraps(whole)
    def system(self: Any, cmd: Any) -> None:
        whole(self, cmd)
        if self.user_ns.get("_exit_code") and is_on():
            import _faena_dead_answers

            _faena_dead_answers.tell_of_program(str(cmd))

    module.ZMQInteractiveShell.system = system


def _host(url: Any) -> str:
    """Of an http address, small and without a port; empty for what is none."""
    if not isinstance(url, str) or url[:4].lower() != "http":
        return ""
    host: str = url.partition("://")[2].partition("/")[0].partition(":")[0]
    return host.lower()


_known_hosts: Any = ()


def _hosts() -> Any:
    global _known_hosts
    if not _known_hosts:
        import _faena_dead_addresses as known

        _known_hosts = frozenset([*known.ADDRESSES, *known.UNANSWERED])
    return _known_hosts


def _wrapped(name: str, answer: str) -> Callable[[Any], None]:
    """The module's function `name` is asked first; where it fails, `answer` of `_faena_dead_sets` is."""

    def change(module: Any) -> None:
        whole = getattr(module, name, None)
        if whole is None or hasattr(whole, "_faena_answers"):
            return

        @functools.wraps(whole)
        def asked(*arguments: Any, **named: Any) -> Any:
            if not is_on():
                return whole(*arguments, **named)
            import _faena_dead_sets

            return getattr(_faena_dead_sets, answer)(whole, *arguments, **named)

        asked._faena_answers = True  # type: ignore[attr-defined]  # of several names of one function each is seen
        setattr(module, name, asked)

    return change


_KERAS = (
    "keras.datasets",
    "keras.src.datasets",
    "tensorflow.python.keras.datasets",
    "tf_keras.src.datasets",
)
CHANGES = {
    "urllib.request": _change_urllib,
    "requests.adapters": _change_requests,
    "ipykernel.zmqshell": _change_shell,
    "sklearn.datasets.mldata": _wrapped("fetch_mldata", "fetch_mldata"),
    "sklearn.datasets.openml": _wrapped("fetch_openml", "fetch_openml"),
    "sklearn.datasets._openml": _wrapped("fetch_openml", "fetch_openml"),
}
for _package in _KERAS:
    CHANGES[_package + ".mnist"] = _wrapped("load_data", "keras_mnist")
    CHANGES[_package + ".boston_housing"] = _wrapped("load_data", "keras_boston_housing")
"""What is done to which module once it is imported."""


def tell(address: str, dataset: str, why: str, otherwise: str = SETTING + "=off turns this off.") -> None:
    """Once a run, whose processes agree by a file; once a process where there is none."""
    from _faena_dead_addresses import TITLES

    code = "answered:{}:{}".format(dataset, address.partition("://")[2].partition("/")[0] or address)[:64]
    message = "{} {}; {} comes from Faena's verified copy. {}".format(
        address, why, TITLES[dataset], otherwise
    )
    _note_open_runs(code, message)
    if not is_first(code.replace("/", "-")):
        return
    sys.stderr.write("faena: {}\n".format(message))
    sys.stderr.flush()
    folder = os.environ.get("FAENA_SPOOL")
    if folder:
        from faena.script.spool import writer_of

        writer_of(folder).emit("note", {"code": code, "message": message})


def _note_open_runs(code: str, message: str) -> None:
    """Those that this process has started, here or by its helper, have it among what went into them."""
    started = sys.modules.get("faena.script.started")
    names = sys.modules.get("faena.script.proxies.names")
    try:
        if started is not None:
            started.note_all(code, message)
        if names is not None and names.session_has_begun():
            from faena.script.proxies import session

            session.current().ask("function", "faena.script.started", "note_all", [code, message], {})
    except Exception as error:  # noqa: BLE001  what the script asked for is answered in any case
        sys.stderr.write("faena: {} is not among the inputs of this process's runs: {}\n".format(code, error))


_told: Any = set()


def is_first(mark: str) -> bool:
    """Of the processes of a run that tell the same."""
    if mark in _told:
        return False
    _told.add(mark)
    folder = os.environ.get("FAENA_SPOOL")
    if not folder:
        return True
    try:
        os.close(os.open(os.path.join(folder, "." + mark), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return False
    except OSError:  # a full disk: rather twice than never
        pass
    return True
