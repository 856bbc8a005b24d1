"""Follows the files of an attempt: which bytes are there that the server has not got yet."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from faena.attempts.folder import AttemptFolder
from faena.attempts.records import UnreadableRecord
from faena.attempts.redaction import Redaction
from faena.kernel import data_loss, file_names
from faena.kernel.data_loss import Loss

DRIVER_LOG = "azureml-logs/70_driver_log{suffix}.txt"
"""The name that v1 gave to the script's own output; scripts and notebooks look for it."""
CONTROL_LOG = "azureml-logs/60_control_log{suffix}.txt"
"""What is said by who starts ranks, which have logs of their own."""

SYSTEM = "spool/system"
"""The stream of the runner's own samples."""

_BEGINNING = b"\xfa\xe1\x05"
"""Of a spool: its magic, and the kind of its first record."""


def is_within(path: Path | str, folder: Path | str) -> bool:
    """Whether a path leads to something in the folder, whatever links are on the way."""
    found, real = os.path.realpath(path), os.path.realpath(folder)
    return found == real or found.startswith(f"{real}{os.sep}")


@dataclass(slots=True)
class Followed:
    path: str
    """Where it was when it was looked at last: the folder may be moved."""
    name: str
    """In the folder."""
    stream: str
    acknowledged: int = 0
    seen: int = 0
    gone: bool = False
    cut: tuple[int, int] | None = None
    """(bytes that had been kept, least bytes that were left) where the file became shorter than what was kept."""

    def grown(self, folder: str) -> bool:
        self.path = f"{folder}/{self.name}"
        try:
            status = os.lstat(self.path)  # looked at many times a second, so paths are text here
        except OSError as error:
            self.gone = error.errno == errno.ENOENT
            return False
        self.gone = not stat.S_ISREG(status.st_mode)
        if self.gone:
            return False  # the script, or somebody, put a link, a pipe or a folder in its place
        self.seen = status.st_size
        if self.seen < self.acknowledged:
            kept, least = self.cut or (self.acknowledged, self.seen)
            self.cut = kept, min(least, self.seen)
        return self.seen > self.acknowledged and self._is_inside(folder)

    def _is_inside(self, folder: str) -> bool:
        """A folder on the way may be a link by now. Only where one is, the way is gone from the root on."""
        on_the_way = folder
        for part in self.name.split("/")[:-1]:
            on_the_way = f"{on_the_way}/{part}"
            if os.path.islink(on_the_way):  # noqa: PTH114  as above
                return is_within(self.path, folder)
        return True

    def loss(self) -> Loss | None:
        """What is known to be lost of it, where somebody else than its writer changed it."""
        if self.gone:
            return data_loss.gone(self.stream, self.acknowledged, max(0, self.seen - self.acknowledged))
        if self.cut is None:
            return None
        kept, least = self.cut
        if self.stream.startswith("spool/") and not self._begins():
            least = 0  # it was emptied: what is in it now was written since
        return data_loss.cut(self.stream, kept, least, min(kept, self.seen) - least)

    def _begins(self) -> bool:
        """Whether the file has its first record yet, which no process writes again."""
        try:
            with open(self.path, "rb", opener=_plainly) as file:
                return file.read(len(_BEGINNING)) == _BEGINNING
        except OSError:
            return False

    def read(self, limit: int) -> bytes:
        try:
            with FileIO(
                os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            ) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return b""
                file.seek(self.acknowledged)
                return file.read(limit)
        except OSError:
            return b""


def _plainly(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


@dataclass(frozen=True, slots=True)
class Segment:
    stream: str
    offset: int
    data: bytes


class Follower:
    """All streams of one attempt. Not thread-safe: one thread follows."""

    def __init__(
        self,
        folder: AttemptFolder,
        *,
        rank: int,
        node_count: int,
        redaction: Redaction | None = None,
        processes: int | None = None,
    ) -> None:
        """`processes`: of the whole run, where each has a log of its own."""
        suffix = f"_{rank}" if node_count > 1 else ""
        self._folder = folder
        self._redaction = redaction
        self._is_over = False
        self._files: dict[str, Followed] = {}
        self._acknowledged: dict[str, int] = {}
        self._aside: set[str] = set()
        self._processes = processes
        self._log = "log/" + (DRIVER_LOG if processes is None else CONTROL_LOG).format(suffix=suffix)
        self._printed = {self._log}
        """Streams of what the script's processes print."""
        here = AttemptFolder(folder.path)
        self._add(here, here.driver_log, self._log)

    def start_at(self, offsets: dict[str, int]) -> None:
        """Go on from what the server has."""
        self._acknowledged = dict(offsets)
        for stream, offset in offsets.items():
            if stream in self._files:
                self._files[stream].acknowledged = offset

    def discover(self) -> None:
        """Find streams that came since last time."""
        here = AttemptFolder(self._folder.path)  # it may be moved meanwhile
        self._discover_in(here, here.spool, "spool/", suffix=".spool")
        logs = here.code / "logs"
        if is_within(logs, here.code):  # a script may put a link in its place
            self._discover_in(here, logs, "log/logs/")
        if self._processes is not None:
            self._discover_ranks(here)
        if SYSTEM not in self._files:
            for path in here.system.glob("*.spool"):
                self._add(here, path, SYSTEM)

    def _discover_ranks(self, here: AttemptFolder) -> None:
        for path in here.ranks.glob("*.log"):
            if not path.stem.isdecimal() or path.is_symlink():
                continue
            stream = self._log_of_rank(path.stem)
            if stream not in self._files:
                self._printed.add(stream)
                self._add(here, path, stream)

    def _log_of_rank(self, number: str) -> str:
        return "log/" + DRIVER_LOG.format(suffix=f"_{number}" if self._processes != 1 else "")

    def losses(self) -> list[Loss]:
        """What is known to be lost of the spools and the script's own output; logs of its own a script may cut."""
        self.grown()
        kept = dict(self._acknowledged)
        found = []
        for file in self._files.values():
            kept.pop(file.stream, None)
            is_ours = file.stream.startswith("spool/") or file.stream in self._printed
            if is_ours and (file.acknowledged or file.seen) and (loss := file.loss()):
                found.append(loss)
        found += [
            data_loss.gone(stream, size, 0) for stream, size in kept.items() if stream.startswith("spool/")
        ]
        found += self._lost_since_the_end()
        found += [data_loss.dropped(*each) for each in self._folder.dropped().items()]
        # whoever closes an attempt removes its folder at once: one that is there was whole until now
        return found if self._folder.path.exists() else []

    def _lost_since_the_end(self) -> list[Loss]:
        """What was there when the script had ended, as its guard saw, and is there no more."""
        found = []
        for name, size in self._left().items():
            path = self._folder.path / name
            if path == self._folder.driver_log:
                stream = self._log
            elif path.parent == self._folder.ranks:
                stream = self._log_of_rank(path.stem)
            else:
                stream = name.removesuffix(".spool")
            file = self._files.get(stream)
            kept = file.acknowledged if file else self._acknowledged.get(stream, 0)
            there = file.seen if file and not file.gone else 0
            if there >= size or kept >= size:
                continue
            lost = size - max(there, kept)
            found.append(
                data_loss.cut(stream, kept, there, lost) if there else data_loss.gone(stream, kept, lost)
            )
        return found

    def _left(self) -> dict[str, int]:
        try:
            end = self._folder.end()
        except UnreadableRecord:
            return {}
        left = end.get("left") if end else None
        if not isinstance(left, dict):
            return {}
        return {name: size for name, size in left.items() if isinstance(name, str) and type(size) is int}

    def grown(self, *, points: bool = True) -> list[Followed]:
        """Those that have something new; without `points`, of logs alone."""
        folder = str(self._folder.path)
        files = [file for file in self._files.values() if points or file.stream.startswith("log/")]
        return [file for file in files if file.grown(folder) and file.stream not in self._aside]

    def segments(self, limit: int, *, points: bool = True) -> list[Segment]:
        """What is new, `limit` bytes of it at most."""
        found: list[Segment] = []
        for file in self.grown(points=points):
            data = self._as_shown(file, file.read(limit))
            if data:
                found.append(Segment(file.stream, file.acknowledged, data))
                limit -= len(data)
            if limit <= 0:
                break
        return found

    def ends(self) -> None:
        """Nobody writes any more: what was held back of the log is all of it."""
        self._is_over = True

    @property
    def held_back(self) -> int:
        """Bytes that may be missing at the end of a segment."""
        return 0 if self._redaction is None else self._redaction.longest

    def _as_shown(self, file: Followed, data: bytes) -> bytes:
        if self._redaction is None or file.stream not in self._printed:
            return data
        is_all = self._is_over and file.acknowledged + len(data) >= file.seen
        return self._redaction.hidden(data, is_all=is_all)

    def acknowledge(self, stream: str, offset: int) -> None:
        self._files[stream].acknowledged = offset

    def put_aside(self, stream: str) -> None:
        """Send nothing more of it."""
        self._aside.add(stream)

    def path_of(self, stream: str) -> tuple[Path, int]:
        """Where a stream is, and how much of it the server has."""
        return Path(self._files[stream].path), self._files[stream].acknowledged

    def streams(self) -> list[str]:
        return list(self._files)

    def _add(self, here: AttemptFolder, path: Path, stream: str) -> None:
        name = path.relative_to(here.path).as_posix()
        self._files[stream] = Followed(str(path), name, stream, self._acknowledged.get(stream, 0))

    def _discover_in(self, here: AttemptFolder, folder: Path, prefix: str, suffix: str = "") -> None:
        try:
            entries = list(os.scandir(folder))
        except OSError:
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if not suffix:
                    self._discover_in(here, Path(entry.path), f"{prefix}{entry.name}/")
                continue
            if not entry.name.endswith(suffix) or not entry.is_file(follow_symlinks=False):
                continue
            stream = prefix + entry.name.removesuffix(suffix)
            if stream not in self._files and file_names.refusal(stream) is None:
                self._add(here, Path(entry.path), stream)
