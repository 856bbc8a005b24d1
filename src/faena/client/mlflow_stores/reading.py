"""Small files of a store, read within bounds: a regular file, no link, no more than so many bytes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from faena.client.mlflow_stores.found import StoreDamaged

META = "meta.yaml"
_LONGEST_META = 256 << 10
_LONGEST_VALUE = 16 << 20
LONGEST_METRIC = 8 << 30


def content(path: Path, most: int = _LONGEST_VALUE) -> bytes:
    """Raises StoreDamaged for what is missing, no regular file, or longer."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise StoreDamaged(f"{path} cannot be read: {error.strerror}.") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise StoreDamaged(f"{path} is no regular file.")
        if status.st_size > most:
            raise StoreDamaged(f"{path} has {status.st_size:,} bytes; {most:,} are read at most.")
        return file.read(most)


def text(path: Path) -> str:
    return content(path).decode("utf-8", "replace")


def meta(folder: Path, most: int = _LONGEST_META, name: str = META) -> Mapping[str, Any]:
    """What stands in the folder's meta.yaml. Raises StoreDamaged for what is no mapping."""
    import yaml

    path = folder / name
    data = content(path, most)
    try:
        # Not the faster CSafeLoader: it dies, with the whole process, of lists nested 100,000 deep.
        found = yaml.safe_load(data.decode())
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise StoreDamaged(f"{path} cannot be read: {str(error)[:300]}") from error
    if not isinstance(found, dict):
        raise StoreDamaged(f"{path} holds no mapping of names to values.")
    return found


def folders(path: Path) -> Iterator[Path]:
    """Those in a folder, by name; none where it is not there. Links are passed over."""
    try:
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StoreDamaged(f"{path} cannot be read: {error.strerror}.") from error
    for name in names:
        yield path / name


def files(root: Path) -> Iterator[tuple[str, Path]]:
    """(name with `/` between its parts, place) of the regular files below a folder, by name: keys may have slashes."""
    found: list[tuple[str, Path]] = []
    for folder, _, names in os.walk(root):
        above = os.path.relpath(folder, root)
        for name in names:
            place = Path(folder, name)
            found.append((name if above == "." else f"{above}/{name}", place))
    yield from sorted(found)


def texts(root: Path) -> dict[str, str]:
    """Contents of the files below a folder, by name. Raises StoreDamaged for one that cannot be read."""
    return {name: text(place) for name, place in files(root)}


def number(value: Any) -> int | None:
    """A whole number of 64 bits, also one that is spelled as text; None for anything else."""
    try:
        found = None if value is None or isinstance(value, bool) else int(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found is not None and -(2**63) <= found < 2**63 else None


def word(value: Any) -> str:
    return "" if value is None else str(value)
