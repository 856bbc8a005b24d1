"""Wire types of datastores."""

from __future__ import annotations

from msgspec import Struct

from faena.kernel.on_host import HostFile, HostFolder


class FolderRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Register a folder of the server's host. `overwrite`: also when the name stands for another one."""

    folder: HostFolder
    overwrite: bool = False


class DatastoreView(Struct, frozen=True):
    name: str
    kind: str
    """`workspace` or `local_folder`."""
    type: str
    """v1's word: AzureBlob, AzureFile; LocalFolder for a registered folder."""
    folder: str
    """On the server's host."""
    is_default: bool


class FileEntry(Struct, frozen=True):
    path: str
    size: int
    tag: str = ""
    """Where it was asked for: another one whenever the file was written since."""


class FilesView(Struct, frozen=True):
    """What a path or pattern of a datastore means."""

    files: list[FileEntry]
    left_out: list[str]
    """Links that lead out and what is no regular file, a sentence each."""


class TakeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Copy a file of the server's host, or an object, into a datastore: exactly one of both is given."""

    path: str
    source: HostFile = ""
    overwrite: bool = False
    digest: str = ""


class Taken(Struct, frozen=True):
    written: bool
    """False: something was there and was not to be replaced."""
    same: bool = False
    """Of an object that was not written: whether what was there has its bytes."""


class Removed(Struct, frozen=True):
    files: int
