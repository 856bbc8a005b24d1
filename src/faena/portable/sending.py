"""An exported run whose folder is at the client: its files travel as objects. All of it blocks."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from faena.data import safe_paths
from faena.kernel.errors import FaenaError, UserErrorException
from faena.objects import store as objects
from faena.portable import exporting, importing
from faena.portable.exporting import Parts
from faena.portable.folder import Writer, translated
from faena.portable.model import MANIFEST, MOST_FILES
from faena.portable.schemas import ImportView, SentExport, SentFile

_TOGETHER = 1000


def export(parts: Parts, run_id: str, scratch: Path, *, children: bool) -> SentExport:
    """Write the run into a folder that goes again, and keep its files as objects for a day. Raises as `exporting`.

    Secrets among its variables are told over the socket only.
    """
    with _folder(scratch) as root:
        view = exporting.export(parts, run_id, root, children=children, hide=True)
        files = [path for path in root.rglob("*") if path.is_file()]
        modes = {path: path.stat().st_mode & 0o777 for path in files}  # taking a file makes it readable only
        sent = []
        for start in range(0, len(files), _TOGETHER):
            together = files[start : start + _TOGETHER]
            sizes: dict[str, int] = {}
            for path, found in zip(together, parts.objects.put_files(together, take=True), strict=True):
                if isinstance(found, UserErrorException):
                    raise found
                digest, size = found
                sizes[digest] = size
                sent.append(SentFile(path.relative_to(root).as_posix(), digest, size, modes[path]))
            touched = partial(objects.touch, sizes=sizes, now=parts.clock.now())
            parts.database.submit_write(touched).result()
        return SentExport(view, sorted(sent, key=lambda file: _order(file.path)))


def take(parts: Parts, files: Sequence[SentFile], scratch: Path, shown: str) -> ImportView:
    """Import a run whose files were sent. `shown`: what errors call its folder, which is not here."""
    with _folder(scratch) as root:
        if len(files) > MOST_FILES:
            raise UserErrorException(f"{shown} holds more than {MOST_FILES:,} files: it cannot be a run's.")
        writer = Writer(root)
        for file in files:
            path = safe_paths.check(file.path)
            try:
                source = parts.objects.open_unverified(file.digest)
                writer.copy(path, source, file.digest, parts.objects.found_damaged)
            except FileExistsError:
                raise UserErrorException(f"The file {path[:300]!r} was sent twice. Send each once.") from None
        try:
            return importing.take(parts, root)
        except FaenaError as error:
            raise type(error)(error.message.replace(str(root), shown)) from error


@contextmanager
def _folder(scratch: Path) -> Iterator[Path]:
    """Below `scratch`; it goes at the end, and with what a killed server left there at the latest."""
    root = scratch / f"run-{secrets.token_hex(8)}"
    try:
        root.mkdir(mode=0o700, parents=True)
        yield root
    except OSError as error:
        raise translated(error, root) from error
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _order(path: str) -> tuple[bool, int, str]:
    """A manifest last, and of several that of a child first: who has it has all that it speaks of."""
    is_manifest = path.rpartition("/")[2] == MANIFEST
    return is_manifest, -path.count("/") if is_manifest else 0, path
