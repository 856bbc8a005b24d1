"""Lists the files of a source folder. Reads names and stamps only, no content but that of ignore files."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

import msgspec

from faena.data import index as indexes
from faena.data.ignore import ALWAYS, AMLIGNORE, GITIGNORE, Rules
from faena.data.index import Index, Stamp
from faena.kernel.errors import SnapshotException


class Limit(NamedTuple):
    """Of what is captured; more is refused."""

    files: int
    size: int
    """Bytes."""


NO_LIMIT = Limit(1_000_000, 1 << 62)
MODEST = Limit(2_000, 300 << 20)
"""What v1 took."""

_NAMED = 10
"""How many names an error or a warning lists."""

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Found(msgspec.Struct, gc=False):
    """A file to capture. Not tracked by the garbage collector, which 10,000 of them would keep busy for 50 ms."""

    path: str
    """In the snapshot."""
    place: str
    """On this machine: never a link."""
    stamp: Stamp


class Scan(NamedTuple):
    files: list[Found]
    """In no order."""
    folders: dict[str, tuple[str, list[str]]]
    """As in `Index.folders`."""
    warnings: list[str]


class _Folder(NamedTuple):
    place: str
    prefix: str
    rules: Rules | None
    chain: tuple[str, ...]
    """Real paths of this folder and of those that the walk came through."""


def scan(root: str, previous: Index, limit: Limit = NO_LIMIT) -> Scan:
    """List what a snapshot of `root`, a real path, holds.

    Ignore rules are asked about names that `previous` does not know under the same rules. A link is followed when its
    target lies inside `root`. FIFOs, sockets, devices, links to nothing and virtual environments are left out with
    a warning that names them. What vanishes meanwhile is left out.

    Raises SnapshotException for a folder that cannot be read, a link that leaves `root`, links that form a loop, names
    that are not UTF-8 or hold a backslash, and more than `limit`.
    """
    return _Walk(root, previous, limit).run()


class _Walk:
    def __init__(self, root: str, previous: Index, limit: Limit) -> None:
        self.root = root
        self.limit = limit
        self.previous = previous
        self.result = Scan([], {}, [])
        self.unusable: list[str] = []
        self.todo = [_Folder(root, "", None, (root,))]

    def run(self) -> Scan:
        while self.todo:
            self.folder(self.todo.pop())
            if len(self.result.files) > self.limit.files:
                raise SnapshotException(
                    f"The source folder {self.root} holds more than {self.limit.files:,} files. Choose the folder of "
                    f"the script alone, or list what is not needed in {self.root}/{AMLIGNORE}."
                )
        size = sum(file.stamp[0] for file in self.result.files)
        if size > self.limit.size:
            raise SnapshotException(
                f"The source folder {self.root} holds {size >> 20:,} MiB, more than {self.limit.size >> 20:,}. Choose "
                f"the folder of the script alone, or list what is not needed in {self.root}/{AMLIGNORE}."
            )
        if self.unusable:
            raise SnapshotException(
                f"Names in {self.root} are not UTF-8 or hold a backslash, so that no other machine could be sure "
                f"to spell them: {_some(self.unusable)}. Rename them or list them in {AMLIGNORE}."
            )
        return self.result

    def folder(self, here: _Folder) -> None:
        try:
            with os.scandir(here.place) as listing:
                entries = list(listing)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise _unreadable(here.prefix or ".", error) from error
        names = {entry.name: entry for entry in entries}
        if here.prefix and "pyvenv.cfg" in names:
            self.warn(f"{here.prefix} is a virtual environment and is left out; runs get their own.")
            return
        rules = self.rules_in(here, names)
        judge = _Judge(here.prefix, rules, self.previous) if rules else None
        files, prefix = self.result.files, here.prefix
        for entry in entries:
            name = entry.name
            if name in ALWAYS:
                continue
            path = prefix + name
            is_folder = entry.is_dir(follow_symlinks=False)
            if judge and judge.leaves_out(name, path, is_folder):
                continue
            if not _is_usable(name):
                self.unusable.append(path)
            elif is_folder:
                chain = (*here.chain, entry.path)
                self.todo.append(_Folder(entry.path, path + "/", rules, chain))
            elif entry.is_symlink():
                self.link(entry.path, path, rules, here.chain)
            else:
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(status.st_mode):
                    files.append(Found(path, entry.path, indexes.stamp(status)))
                else:
                    self.special(path, status)
        self.result.folders[prefix] = (rules.key, judge.left_out) if rules and judge else ("", [])

    def rules_in(self, here: _Folder, names: dict[str, os.DirEntry[str]]) -> Rules | None:
        for name in (AMLIGNORE, GITIGNORE):
            entry = names.get(name)
            # As in git, an ignore file that is a link or no file at all counts for nothing.
            if entry is None or not entry.is_file(follow_symlinks=False):
                continue
            aml = name == AMLIGNORE
            if not aml and here.rules and here.rules.aml:
                continue
            try:
                with open(entry.path, "rb") as file:  # noqa: PTH123 - no Path objects in this loop
                    content = file.read()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _unreadable(here.prefix + name, error) from error
            return Rules(None if aml else here.rules, here.prefix, content, aml=aml)
        return here.rules

    def link(self, place: str, path: str, rules: Rules | None, chain: tuple[str, ...]) -> None:
        try:
            target = os.path.realpath(place, strict=True)
            status = os.stat(target)  # noqa: PTH116  the walk has strings: Path objects cost too much
        except FileNotFoundError:
            target = os.path.realpath(place)
            if self.is_inside(target):
                self.warn(f"{path} is a link to nothing and is left out.")
                return
            raise self.leaves(path, target) from None
        except OSError as error:
            raise SnapshotException(
                f"The link {path!r} in the source folder cannot be followed: {error.strerror}. "
                f"Remove it, or list it in {AMLIGNORE}."
            ) from error
        if not self.is_inside(target):
            raise self.leaves(path, target)
        if not ALWAYS.isdisjoint(target[len(self.root) :].split("/")):
            self.warn(f"{path} is a link to {target}, which no snapshot holds, and is left out.")
        elif stat.S_ISDIR(status.st_mode):
            if target in chain:
                raise SnapshotException(
                    f"The link {path!r} in the source folder leads back to {target}, a folder above it: a loop. "
                    f"Remove it, or list it in {AMLIGNORE}."
                )
            self.todo.append(_Folder(target, path + "/", rules, (*chain, target)))
        elif stat.S_ISREG(status.st_mode):
            self.result.files.append(Found(path, target, indexes.stamp(status)))
        else:
            self.special(path, status)

    def is_inside(self, target: str) -> bool:
        return target == self.root or target.startswith(self.root.rstrip("/") + "/")

    def leaves(self, path: str, target: str) -> SnapshotException:
        return SnapshotException(
            f"The link {path!r} leads out of the source folder, to {target}. Replace it by a copy of what it "
            f"points to, or list it in {AMLIGNORE}."
        )

    def special(self, path: str, status: os.stat_result) -> None:
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "no regular file")
        self.warn(f"{path} is {kind} and is left out.")

    def warn(self, line: str) -> None:
        self.result.warnings.append(line)


class _Judge:
    """Decides about the entries of one folder; asks the rules only about what was not decided before."""

    def __init__(self, prefix: str, rules: Rules, previous: Index) -> None:
        self.rules = rules
        self.left_out: list[str] = []
        key, names = previous.folders.get(prefix, ("", []))
        self.known = key == rules.key
        self.known_out = frozenset(names) if self.known else frozenset()
        self.previous = previous

    def leaves_out(self, name: str, path: str, is_folder: bool) -> bool:
        mark = "/" if is_folder else ""
        marked = path + mark
        if name + mark in self.known_out:
            out = True
        elif self.known and marked in (self.previous.folders if is_folder else self.previous.files):
            out = False
        else:
            out = self.rules.ignores(marked)
        if out and _is_usable(name):  # the index is UTF-8; what is not is judged each time
            self.left_out.append(name + mark)
        return out


def _is_usable(name: str) -> bool:
    if "\\" in name:
        return False
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unreadable(path: str, error: OSError) -> SnapshotException:
    return SnapshotException(
        f"{path!r} in the source folder cannot be read: {error.strerror}. "
        f"Give this user the right to read it, or list it in {AMLIGNORE}."
    )


def _some(paths: list[str]) -> str:
    shown = ", ".join(repr(os.fsencode(path))[1:] for path in sorted(paths)[:_NAMED])
    return shown + (f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else "")
