"""One endpoint on this machine: its revisions made ready, its front told and kept alive, or ended."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from faena.endpoints.front_folder import FrontFolder
from faena.endpoints.fronts import Fronts
from faena.kernel.durable import write_atomically
from faena.kernel.errors import FaenaError, NotFound, ServerUnreachable, WebserviceException
from faena.node.joined.endpoints.preparing import here
from faena.scoring.files import DESIRED

_AGAIN = 60.0
"""Seconds after which what could not be made ready is tried again, as long as it is wanted."""
_SOON = 2.0
"""Seconds after which it is where the server could not be asked."""
_CHECKED_EVERY = 30.0
"""Seconds between looks at whether the environment of a revision is still there."""


class Held:
    """`make`: makes a revision ready, which takes its time, and calls what it is given meanwhile, which may raise. All
    else is one thread's."""

    def __init__(
        self, folder: FrontFolder, fronts: Fronts, make: Callable[[int, Callable[[], None]], None]
    ) -> None:
        self.folder = folder
        self._fronts = fronts
        self._make = make
        self._wanted: dict[str, Any] | None = None
        self._is_over = False
        self._ready: dict[int, tuple[float, dict[str, Any]]] = {}
        self._failed: dict[int, tuple[float, str]] = {}
        self._later: dict[int, float] = {}
        self._making: dict[int, threading.Thread] = {}

    @property
    def id(self) -> str:
        return self.folder.path.name

    @property
    def is_making(self) -> bool:
        return any(thread.is_alive() for thread in self._making.values())

    @property
    def is_coming(self) -> bool:
        """Whether something is about to change: it is looked at often."""
        if self.is_making:
            return True
        if self._wanted is None or self._wanted["front"] is None:
            return False
        told = self.folder.told()
        front = self._wanted["front"]
        wanted = sorted(int(number) for number, weight in front["traffic"].items() if weight > 0)
        return told is None or told.get("serving") != wanted or not self.folder.has_front

    def want(self, wanted: dict[str, Any]) -> None:
        self._wanted, self._is_over = wanted, False

    def tend(self) -> None:
        """Raises OSError."""
        if self._wanted is not None:
            self._prepare(self._wanted)
            self._tidy(self._wanted)
            if (front := self._completed(self._wanted["front"])) is not None:
                self._tell(front)
        if (self.folder.path / DESIRED).exists():
            self._fronts.tend(self.folder)

    def end(self) -> bool:
        """Have it answer what it was asked, and go; whether it has gone. Raises OSError."""
        self._wanted, self._is_over = None, True
        if self.folder.has_front:
            self._fronts.end(self.folder)
            return False
        if self.is_making:  # it looks now and then whether it is to
            return False
        self._fronts.forget(self.id)
        self.folder.remove()
        return not self.folder.path.exists()

    def said(self) -> dict[str, Any]:
        """What the server is told of it."""
        folder = self.folder
        staged = sorted(int(each.name) for each in folder.path.glob("revisions/*") if each.name.isdecimal())
        prepared = [number for number in staged if self._here(number) is not None]
        return {
            "prepared": [number for number in prepared if number not in self._making],
            "failed": {str(number): why for number, (_, why) in self._failed.items()},
            "alive": folder.has_front,
            "status": folder.told_now(),
        }

    def _prepare(self, wanted: Mapping[str, Any]) -> None:
        now = time.monotonic()
        for number in [number for number, thread in self._making.items() if not thread.is_alive()]:
            self._making.pop(number)
            self._ready.pop(number, None)
        for number in [number for number in self._failed if number not in wanted["prepare"]]:
            self._failed.pop(number)
        for number in wanted["prepare"]:
            failed_at, _ = self._failed.get(number, (-_AGAIN, ""))
            if number in self._making or self._here(number) is not None:
                continue
            if now - failed_at < _AGAIN or now - self._later.get(number, -_SOON) < _SOON:
                continue
            thread = threading.Thread(target=self._try, args=(number,), name=f"make {self.id}", daemon=True)
            self._making[number] = thread
            thread.start()

    def _try(self, number: int) -> None:
        try:
            self._make(number, self._go_on)
            self._failed.pop(number, None)
        except (ServerUnreachable, NotFound):  # it is away, or was started a moment ago: that says nothing
            self._later[number] = time.monotonic()
        except FaenaError as error:
            self._failed[number] = (time.monotonic(), error.message)
        except Exception as error:  # noqa: BLE001  whatever it is, whoever deployed it is told
            self._failed[number] = (time.monotonic(), f"It cannot be made ready on its machine: {error!r}.")

    def _go_on(self) -> None:
        """Raises WebserviceException where nobody wants what is made."""
        if self._is_over:
            raise WebserviceException("It is wanted no more.")

    def _tidy(self, wanted: Mapping[str, Any]) -> None:
        for path in self.folder.path.glob("revisions/*"):
            if path.name.isdecimal() and int(path.name) not in (*wanted["keep"], *self._making):
                self.folder.unstage(int(path.name))

    def _here(self, number: int) -> dict[str, Any] | None:
        """What a revision has on this machine; None where it is not ready."""
        now = time.monotonic()
        looked_at, found = self._ready.get(number, (0.0, None))
        if found is not None and now - looked_at < _CHECKED_EVERY and self.folder.is_staged(number):
            return found
        found = here(self.folder, number)
        if found is not None:
            self._ready[number] = (now, found)
        return found

    def _completed(self, front: dict[str, Any] | None) -> dict[str, Any] | None:
        """With what only this machine knows; None where that is not there (any more)."""
        if front is None:
            return None
        revisions = []
        for revision in front["revisions"]:
            if (own := self._here(int(revision["id"]))) is None:
                return None
            paths = {name: str(self.folder.path / revision[name]) for name in ("app", "model_dir")}
            revisions.append({**revision, **paths, **{each: own[each] for each in _OWN}})
        tls = front.get("tls")
        files = None if tls is None else {name: self._kept(name, text) for name, text in tls.items()}
        return {**front, "revisions": revisions, "tls": files}

    def _kept(self, name: str, text: str) -> str:
        """The path of a file of TLS, which is another one where the text is."""
        path = self.folder.path / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.pem"
        if not path.exists():
            for old in self.folder.path.glob(f"{name}-*.pem"):
                old.unlink()
            write_atomically(path, text.encode(), mode=0o600)
        return str(path)

    def _tell(self, front: dict[str, Any]) -> None:
        data = json.dumps(front, sort_keys=True).encode()
        path: Path = self.folder.path / DESIRED
        try:
            if path.read_bytes() == data:
                return
        except FileNotFoundError:
            pass
        self.folder.make()
        write_atomically(path, data, mode=0o600)
        self._fronts.tell(self.folder)


_OWN = ("python", "hold", "variables")
