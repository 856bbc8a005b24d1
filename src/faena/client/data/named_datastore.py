"""A datastore by its name: what it is, whether it is the default."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn, Self

from faena.client.not_covered import MARK, not_covered_property
from faena.client.workspaces.session import Session, api_of
from faena.data.datastores.schemas import DatastoreView, FolderRequest
from faena.kernel import ids
from faena.kernel.errors import NotCovered

_OUTSIDE = "stores outside this machine"


def _from_the_cloud(name: str) -> classmethod[Any, Any, NoReturn]:
    def refuse(_cls: type[object], /, *_positional: object, **_named: object) -> NoReturn:
        raise NotCovered.about(
            f"Datastore.{name}",
            _OUTSIDE,
            "Register a folder that has the data with Datastore.register_local_folder (a network drive or a mounted "
            "bucket will do), or upload it: workspace.get_default_datastore().upload(...).",
            "the release with a shared server",
        )

    refuse.__name__ = name
    setattr(refuse, MARK, _OUTSIDE)
    return classmethod(refuse)


class NamedDatastore:
    """What is known of a datastore, without its files."""

    register_azure_blob_container = _from_the_cloud("register_azure_blob_container")
    register_azure_file_share = _from_the_cloud("register_azure_file_share")
    register_azure_data_lake = _from_the_cloud("register_azure_data_lake")
    register_azure_data_lake_gen2 = _from_the_cloud("register_azure_data_lake_gen2")
    register_azure_sql_database = _from_the_cloud("register_azure_sql_database")
    register_azure_postgre_sql = _from_the_cloud("register_azure_postgre_sql")
    register_azure_my_sql = _from_the_cloud("register_azure_my_sql")
    register_dbfs = _from_the_cloud("register_dbfs")
    register_hdfs = _from_the_cloud("register_hdfs")

    def __init__(self, workspace: Session, name: str) -> None:
        self.workspace = workspace
        self._view = api_of(workspace).data.datastore(ids.check_datastore_name(name))

    @classmethod
    def of_view(cls, workspace: Session, view: DatastoreView) -> Self:
        """The handle of a datastore that was read already."""
        datastore = cls.__new__(cls)
        datastore.workspace = workspace
        datastore._view = view
        return datastore

    @classmethod
    def get(cls, workspace: Session, datastore_name: str) -> Self:
        return cls(workspace, datastore_name)

    @classmethod
    def get_default(cls, workspace: Session) -> Self:
        """The datastore that uploads go to when none is named."""
        return next(found for found in cls.all(workspace).values() if found.is_default)

    @classmethod
    def all(cls, workspace: Session) -> dict[str, Self]:
        """By name."""
        return {view.name: cls.of_view(workspace, view) for view in api_of(workspace).data.datastores()}

    @classmethod
    def register_local_folder(
        cls, workspace: Session, name: str, folder: str | os.PathLike[str], overwrite: bool = False
    ) -> Self:
        """Give a folder of this machine a name; repeating it has no second effect.

        Raises UserErrorException for what is no folder or holds the workspace's own files, Conflict when the name
        stands for another folder, unless `overwrite`.
        """
        request = FolderRequest(str(Path(folder).expanduser().absolute()), overwrite)
        return cls.of_view(
            workspace, workspace.api.data.register_folder(ids.check_datastore_name(name), request)
        )

    @property
    def name(self) -> str:
        return self._view.name

    @property
    def datastore_type(self) -> str:
        """v1's words AzureBlob and AzureFile for those that every workspace has, LocalFolder for a registered one."""
        return self._view.type

    @property
    def folder(self) -> Path:
        """Where its files are, on the server's host."""
        return Path(self._view.folder)

    @property
    def account_name(self) -> str:
        """v1's storage account; here the workspace's name stands for it."""
        return self.workspace.name

    @property
    def container_name(self) -> str:
        """v1's blob container or file share; here the datastore's own name."""
        return self.name

    @property
    def sas_token(self) -> None:
        """None, as `account_key`: nothing has to be shown for a folder."""

    account_key = sas_token

    @property
    def is_sas(self) -> bool:
        return False

    @property
    def protocol(self) -> str:
        return "file"

    @property
    def endpoint(self) -> None:
        """None: no service of a cloud."""

    blob_service = not_covered_property(
        "Datastore.blob_service",
        "the client of Azure's storage",
        "Files are in a folder: datastore.folder, upload, download.",
    )

    @property
    def is_default(self) -> bool:
        return self._view.is_default

    def set_as_default(self) -> None:
        self.workspace.api.data.set_default(self.name)
        self._view = self.workspace.api.data.datastore(self.name)

    def unregister(self) -> None:
        """Forget a registered folder; its files stay. Raises UserErrorException for one that every workspace has."""
        self.workspace.api.data.unregister(self.name)
