"""DataReference and DataPath: a place in a datastore, and how a run's script gets it."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, replace
from typing import Literal, cast

from faena.client.data.named_datastore import NamedDatastore
from faena.data import safe_paths
from faena.kernel import ids
from faena.kernel.errors import UserErrorException
from faena.runs.submission_schemas import DataInput

Mode = Literal["mount", "download", "upload"]
_MODES = ("mount", "download", "upload")


class DataReference:
    """A path in a datastore that stands in a script's arguments: the node replaces it by the path on its own disk.

    `data_reference_name`: names the environment variable `AZUREML_DATAREFERENCE_<name>` (default: the datastore's name,
    or one made up when there is a path). `path_on_datastore` default: all of it. `mode`: 'mount' reads it where it is,
    'download' copies it before the script starts, 'upload' stores there what the script leaves. `path_on_compute`:
    where, below the script's working folder (default: beside it); an absolute one is an empty folder of the node, at
    which the script alone sees the data. `overwrite`: whether files that are there are
    replaced, by an upload in the datastore, by a download beside the script.

    Raises UserErrorException for another mode, a name that cannot be a variable's, a path that could leave its place.
    """

    def __init__(
        self,
        datastore: NamedDatastore,
        data_reference_name: str | None = None,
        path_on_datastore: str | os.PathLike[str] | None = None,
        mode: str = "mount",
        path_on_compute: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
    ) -> None:
        if mode not in _MODES:
            raise UserErrorException(f"The mode is {mode!r}. Use 'mount', 'download' or 'upload'.")
        path = safe_paths.check(path_on_datastore or "", "path_on_datastore")
        self.datastore = datastore
        self.path_on_datastore: str | None = path or None
        self.data_reference_name = ids.check_reference_name(
            data_reference_name or (uuid.uuid4().hex if path else datastore.name)
        )
        self.mode = cast(Mode, mode)
        self.path_on_compute = check_place(path_on_compute)
        self.overwrite = bool(overwrite)

    @classmethod
    def create(
        cls,
        data_reference_name: str | None = None,
        datastore: NamedDatastore | None = None,
        data_path: DataPath | None = None,
        mode: str = "mount",
        path_on_compute: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
    ) -> DataReference:
        """Of a datastore or of a DataPath. Raises UserErrorException unless one of both is given."""
        if (datastore is None) == (data_path is None):
            raise UserErrorException("Give either datastore or data_path.")
        if data_path is None:
            assert datastore is not None
            return cls(datastore, data_reference_name, None, mode, path_on_compute, overwrite)
        path = data_path.path_on_datastore
        return cls(data_path.datastore, data_reference_name, path, mode, path_on_compute, overwrite)

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> DataReference:
        """A reference to `path` below this one."""
        below = safe_paths.check(path or "")
        whole = "/".join(filter(None, [self.path_on_datastore, below]))
        return DataReference(self.datastore, data_reference_name, whole, self.mode)

    def as_mount(self) -> DataReference:
        """Read where it is: nothing is copied, and the script cannot write it.

        Where the node permits no mounts the script gets a copy, which the run tells.
        """
        return self._as("mount", None, False)

    def as_download(self, path_on_compute: str | None = None, overwrite: bool = False) -> DataReference:
        """Copied before the script starts."""
        return self._as("download", path_on_compute, overwrite)

    def as_upload(self, path_on_compute: str | None = None, overwrite: bool = False) -> DataReference:
        """A folder for the script to fill; what is in it goes to the datastore when the script has ended, however."""
        return self._as("upload", path_on_compute, overwrite)

    def to_config(self) -> DataReferenceConfiguration:
        """The form for `RunConfiguration.data_references`."""
        return DataReferenceConfiguration(
            datastore_name=self.datastore.name,
            mode=self.mode,
            path_on_datastore=self.path_on_datastore,
            path_on_compute=self.path_on_compute or None,
            overwrite=self.overwrite,
            name=self.data_reference_name,
        )

    def data_input(self) -> DataInput:
        """What is sent with a submission."""
        return self.to_config().data_input()

    def _as(self, mode: Mode, path_on_compute: str | None, overwrite: bool) -> DataReference:
        return DataReference(
            self.datastore,
            self.data_reference_name,
            self.path_on_datastore,
            mode,
            path_on_compute or self.path_on_compute,
            overwrite,
        )

    def __str__(self) -> str:
        return token_of(self.data_reference_name)

    def __repr__(self) -> str:
        return (
            f"DataReference(name={self.data_reference_name!r}, datastore={self.datastore.name!r}, "
            f"path={self.path_on_datastore!r}, mode={self.mode!r})"
        )


@dataclass
class DataReferenceConfiguration:
    """A data reference in a RunConfiguration: `run_config.data_references = {name: configuration}`.

    `name` default: the key that it has there, else the datastore's name. The other fields are those of DataReference.
    """

    datastore_name: str = ""
    mode: str = "mount"
    path_on_datastore: str | None = None
    path_on_compute: str | None = None
    overwrite: bool = False
    name: str = ""

    def named(self, name: str) -> DataReferenceConfiguration:
        """The same with the name `name`."""
        return replace(self, name=name)

    def data_input(self) -> DataInput:
        """What is sent with a submission. Raises UserErrorException as DataReference does."""
        if self.mode not in _MODES:
            raise UserErrorException(f"The mode is {self.mode!r}. Use 'mount', 'download' or 'upload'.")
        name = ids.check_reference_name(self.name or self.datastore_name)
        return DataInput(
            name=name,
            token=token_of(name),
            variable=f"AZUREML_DATAREFERENCE_{name}",
            mode=cast(Mode, self.mode),
            datastore=ids.check_datastore_name(self.datastore_name),
            path=safe_paths.check(self.path_on_datastore or "", "path_on_datastore"),
            path_on_compute=check_place(self.path_on_compute),
            overwrite=self.overwrite,
        )


@dataclass(frozen=True)
class DataPath:
    """A path in a datastore, without a word on how a run gets it.

    Raises UserErrorException for a path that could leave the datastore.
    """

    datastore: NamedDatastore
    path_on_datastore: str = ""
    name: str | None = None

    def __post_init__(self) -> None:
        safe_paths.check(self.path_on_datastore, "path_on_datastore")

    @property
    def datastore_name(self) -> str:
        return self.datastore.name

    @staticmethod
    def create_from_data_reference(data_reference: DataReference) -> DataPath:
        return DataPath(data_reference.datastore, data_reference.path_on_datastore or "")


def token_of(name: str) -> str:
    """What stands for a data reference in a script's arguments."""
    return f"$AZUREML_DATAREFERENCE_{name}"


def check_place(path: str | os.PathLike[str] | None) -> str:
    """A path_on_compute in its one spelling; an absolute one keeps its slash.

    Raises UserErrorException for one that has a `..` part or what else no path may have.
    """
    given = os.fspath(path or "")
    checked = safe_paths.check(given.lstrip("/"), "path_on_compute")
    if given and not checked:
        raise UserErrorException(f"The path_on_compute {given!r} names no folder. Use one such as 'data'.")
    return f"/{checked}" if given.startswith("/") else checked
