"""Lists the files of a source folder. Reads names and stamps only, no content but that of ignore files."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

import msgspec

from faena.data import build_products, ignore
from faena.data import index as indexes
from faena.data.ignore import ALWAYS, AMLIGNORE, GITIGNORE, Rules
from faena.data.ignore_decisions import Judge, is_usable
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
    rules: dict[str, Rules | None]
    """What is in force in each folder, by its prefix."""
    outer: str
    """The source folder's path below its repository's root, as `ignore.above` gives it."""

    def advice(self, path: str) -> str:
        """How to leave out a file, in words."""
        return ignore.advice(self.rules[path[: path.rfind("/") + 1]], self.outer, path)

    @property
    def ignore_file(self) -> str:
        """Where the source folder says what it leaves out."""
        return ignore.file_in_force(self.rules[""])


class _Folder(NamedTuple):
    place: str
    prefix: str
    rules: Rules | None
    chain: tuple[str, ...]
    """Real paths of this folder and of those that the walk came through."""


def scan(root: str, previous: Index, limit: Limit = NO_LIMIT) -> Scan:
    """List what a snapshot of `root`, a real path, holds.

    Ignore rules are asked about names that `previous` does not know under the same rules. A link is followed when its
    target lies inside `root`; to the rules one to a folder is a folder. FIFOs, sockets, devices, links to nothing,
    and what `faena.data.build_products` knows, such as virtual environments and backups, are left out with a warning
    that names them. What vanishes meanwhile is left out.

    Raises SnapshotException for a folder that cannot be read, a link that leaves `root`, links that form a loop, names
    that are not UTF-8 or hold a backslash, and more than `limit`.
    """
    return _Walk(root, previous, limit).run()


class _Walk:
    def __init__(self, root: str, previous: Index, limit: Limit) -> None:
        self.root = root
        self.limit = limit
        self.previous = previous
        rules, self.outer = self.rules_above()
        self.result = Scan([], {}, [], {}, self.outer)
        self.unusable: list[str] = []
        self.todo = [_Folder(root, "", rules, (root,))]

    def run(self) -> Scan:
        while self.todo:
            self.folder(self.todo.pop())
            if len(self.result.files) > self.limit.files:
                raise SnapshotException(
                    f"The source folder {self.root} holds more than {self.limit.files:,} files. Choose the folder of "
                    f"the script alone, or list what is not needed in {self.root}/{self.result.ignore_file}."
                )
        size = sum(file.stamp[0] for file in self.result.files)
        if size > self.limit.size:
            raise SnapshotException(
                f"The source folder {self.root} holds {size >> 20:,} MiB, more than {self.limit.size >> 20:,}. Choose "
                f"the folder of the script alone, or list what is not needed in {self.root}/{self.result.ignore_file}."
            )
        if self.unusable:
            raise SnapshotException(
                f"Names in {self.root} are not UTF-8 or hold a backslash, so that no other machine could be sure "
                f"to spell them: {_some(self.unusable)}. Rename them or list them in {self.result.ignore_file}."
            )
        return self.result

    def folder(self, here: _Folder) -> None:
        try:
            with os.scandir(here.place) as listing:
                entries = list(listing)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            if not here.prefix:
                raise SnapshotException(
                    f"The source folder {self.root} cannot be read: {error.strerror}. Give this user the right to."
                ) from error
            raise self.unreadable(here.prefix, error, here.rules) from error
        names = {entry.name: entry for entry in entries}
        if here.prefix and (why := build_products.left_out(here.place, here.prefix, names)):
            self.warn(f"{here.prefix} {why}")
            return
        rules = self.rules_in(here, names)
        self.result.rules[here.prefix] = rules
        judge = Judge(here.prefix, self.outer, rules, self.previous) if rules else None
        files, prefix = self.result.files, here.prefix
        for entry in entries:
            name = entry.name
            if name in ALWAYS:
                continue
            path = prefix + name
            is_link = entry.is_symlink()
            is_folder = entry.is_dir(follow_symlinks=False) and not is_link
            if judge and judge.leaves_out(name, path, is_folder or (is_link and _leads_to_folder(entry))):
                continue
            if not is_usable(name):
                self.unusable.append(path)
            elif is_folder:
                chain = (*here.chain, entry.path)
                self.todo.append(_Folder(entry.path, path + "/", rules, chain))
            elif is_link:
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
            aml = name == AMLIGNORE
            if name not in names or (not aml and here.rules and here.rules.aml):
                continue
            try:
                content = ignore.read(names[name].path)
            except OSError as error:
                raise self.unreadable(here.prefix + name, error, here.rules) from error
            if content is not None:
                return Rules(None if aml else here.rules, self.outer + here.prefix, content, aml=aml)
        return here.rules

    def rules_above(self) -> tuple[Rules | None, str]:
        try:
            return ignore.above(Path(self.root))
        except OSError as error:
            raise SnapshotException(
                f"{error.filename} says what the source folder {self.root} leaves out, and cannot be read: "
                f"{error.strerror}. Give this user the right to read it."
            ) from error

    def link(self, place: str, path: str, rules: Rules | None, chain: tuple[str, ...]) -> None:
        advice = ignore.advice(rules, self.outer, path)
        try:
            target = os.path.realpath(place, strict=True)
            status = os.stat(target)  # noqa: PTH116  the walk has strings: Path objects cost too much
        except FileNotFoundError:
            target = os.path.realpath(place)
            if self.is_inside(target):
                self.warn(f"{path} is a link to nothing and is left out.")
            elif not self.is_emptied(target, path, rules):
                raise self.leaves(path, target, advice) from None
            return
        except OSError as error:
            if self.is_emptied(place, path, rules):
                return
            raise SnapshotException(
                f"The link {path!r} in the source folder cannot be followed: {error.strerror}. Remove it, or {advice}."
            ) from error
        if not self.is_inside(target):
            if why := build_products.left_out(target, path, _names(target)):
                self.warn(f"{path} {why.replace('is a', 'is a link to a', 1)}")
            elif not self.is_emptied(target, path, rules):
                raise self.leaves(path, target, advice)
            return
        if not ALWAYS.isdisjoint(target[len(self.root) :].split("/")):
            self.warn(f"{path} is a link to {target}, which no snapshot holds, and is left out.")
        elif stat.S_ISDIR(status.st_mode):
            if target in chain:
                if self.is_emptied(target, path, rules):
                    return
                raise SnapshotException(
                    f"The link {path!r} in the source folder leads back to {target}, a folder above it: a loop. "
                    f"Remove it, or {advice}."
                )
            self.todo.append(_Folder(target, path + "/", rules, (*chain, target)))
        elif stat.S_ISREG(status.st_mode):
            self.result.files.append(Found(path, target, indexes.stamp(status)))
        else:
            self.special(path, status)

    def is_inside(self, target: str) -> bool:
        return target == self.root or target.startswith(self.root.rstrip("/") + "/")

    def is_emptied(self, target: str, path: str, rules: Rules | None) -> bool:
        """Whether the rules leave out all that a link leads to, so that it need not be followed: `data/*` for `data`.

        Where its target cannot be seen, it counts as left out when it would be as a folder.
        """
        if rules is None:
            return False
        folder = f"{self.outer}{path}/"
        try:
            with os.scandir(target) as listing:
                return rules.empties(folder, (entry.name + "/" * entry.is_dir() for entry in listing))
        except NotADirectoryError:
            return False
        except OSError:
            return rules.ignores(folder) or rules.empties(folder, None)

    def leaves(self, path: str, target: str, advice: str) -> SnapshotException:
        return SnapshotException(
            f"The link {path!r} leads out of the source folder, to {target}. Replace it by a copy of what it "
            f"points to, or {advice}."
        )

    def unreadable(self, path: str, error: OSError, rules: Rules | None) -> SnapshotException:
        advice = ignore.advice(rules, self.outer, path.removesuffix("/"))
        return SnapshotException(
            f"{path!r} in the source folder cannot be read: {error.strerror}. Give this user the right to read it, or "
            f"{advice}."
        )

    def special(self, path: str, status: os.stat_result) -> None:
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "no regular file")
        self.warn(f"{path} is {kind} and is left out.")

    def warn(self, line: str) -> None:
        self.result.warnings.append(line)


def _names(folder: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208  strings, as everywhere here
    except OSError:
        return frozenset()


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a circle of links, or a folder on the way that may not be entered
        return False


def _some(paths: list[str]) -> str:
    shown = ", ".join(repr(os.fsencode(path))[1:] for path in sorted(paths)[:_NAMED])
    return shown + (f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else "")
