"""v1's Workspace over a local one: the cloud's coordinates are kept and given back, and mean nothing else.

As in a local one, other handles are imported where they are made.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from faena import Workspace as LocalWorkspace
from faena.client.workspaces import logins
from faena.client.workspaces.opened import reached
from faena.client.workspaces.session import Session
from faena.kernel import ids
from faena.kernel.addresses import Url
from faena.kernel.clock import iso
from faena.kernel.errors import UserErrorException, WorkspaceException
from faena.workspaces import listing
from faena.workspaces.model import WorkspaceFolder, open_folder
from faena_azureml import config, places
from faena_azureml.coordinates import Coordinates
from faena_azureml.model import Model
from faena_azureml.not_covered import refusal, refused_property

if TYPE_CHECKING:
    from faena_azureml.compute import ComputeTarget
    from faena_azureml.deploying.services import Webservice
    from faena_azureml.environments import Environment
    from faena_azureml.provisioning import AmlComputeProvisioningConfiguration

_DEFAULT_TARGETS = {"CPU": "cpu-cluster", "GPU": "gpu-cluster"}


class Workspace(LocalWorkspace):
    """The workspace of that name: of this host, else of a server that this user is logged in at; made in the current
    folder where there is neither.

    `subscription_id` and `resource_group` are kept with it. `auth` and the rest are accepted: nobody has to log in.
    Raises UserErrorException for a name that cannot be one.
    """

    model_handle = Model

    @property
    def sweep_handle(self) -> Any:
        from faena_azureml.hyperdrive.run import HyperDriveRun  # few sweep

        return HyperDriveRun

    def __init__(
        self,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        workspace_name: str | None = None,
        auth: object = None,
        _location: str | None = None,
        _disable_service_check: bool = False,
        _workspace_id: str | None = None,
        sku: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        if workspace_name is None:
            raise UserErrorException(
                "Workspace(subscription_id, resource_group, workspace_name) needs workspace_name."
            )
        found = places.find(ids.check_workspace_name(workspace_name))
        self._open_or_reach(workspace_name, found, lambda: places.make(workspace_name), auth)
        self._keep(subscription_id=subscription_id, resource_group=resource_group, location=_location)

    @classmethod
    def of_folder(cls, folder: str | os.PathLike[str], auth: object = None) -> Self:
        """The workspace at `folder`, its `.faena` folder. Raises WorkspaceException."""
        return cls._of(open_folder(Path(folder)), auth)

    @classmethod
    def connect(cls, url: str, token: str | None = None, *, ca: str | os.PathLike[str] | None = None) -> Self:
        """The workspace of a server that runs already, as `faena.Workspace.connect` finds it.

        What belongs to the cloud is kept by this handle alone.
        """
        made = cls.__new__(cls)
        made._reach(reached(url, token, ca))
        return made

    @classmethod
    def _of(cls, opened: WorkspaceFolder, auth: object = None) -> Self:
        made = cls.__new__(cls)
        made._open(opened, auth)
        return made

    def _open_or_reach(
        self, name: str, found: WorkspaceFolder | None, otherwise: Callable[[], WorkspaceFolder], auth: object
    ) -> None:
        if found is None and (url := logins.named(name)):
            self._reach(reached(url), auth)
        else:
            self._open(found or otherwise(), auth)

    def _reach(self, address: Url, auth: object = None) -> None:
        Session.__init__(self, address)
        self._auth = auth
        self._coordinates = Coordinates()

    def _open(self, opened: WorkspaceFolder, auth: object) -> None:
        Session.__init__(self, opened)
        self._auth = auth
        self._coordinates = Coordinates.read(opened.path)

    def _keep(self, **given: Any) -> None:
        """Remember what was given; what was not stays."""
        self._coordinates = self._coordinates.kept(None if self.url else self.files.path, **given)

    @classmethod
    def create(  # type: ignore[override]  # v1's signature
        cls,
        name: str,
        auth: object = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        create_resource_group: bool = True,
        sku: str | None = None,
        friendly_name: str | None = None,
        storage_account: object = None,
        key_vault: object = None,
        app_insights: object = None,
        container_registry: object = None,
        cmk_keyvault: object = None,
        resource_cmk_uri: object = None,
        hbi_workspace: bool = False,
        default_cpu_compute_target: AmlComputeProvisioningConfiguration | None = None,
        default_gpu_compute_target: AmlComputeProvisioningConfiguration | None = None,
        exist_ok: bool = False,
        show_output: bool = True,
        tags: Mapping[str, str] | None = None,
        **without_meaning: object,
    ) -> Self:
        """Make a workspace in the current folder. What belongs to the cloud is accepted and kept or ignored.

        `default_cpu_compute_target`, `default_gpu_compute_target`: made as 'cpu-cluster' and 'gpu-cluster'.
        Raises WorkspaceException when this user has one of that name, unless `exist_ok`, and UserErrorException for
        a name that cannot be one.
        """
        ids.check_workspace_name(name)
        existing = places.find(name)
        if existing is not None and not exist_ok:
            raise WorkspaceException(
                f"Workspace with name {name!r} already exists under {existing.path.parent}. Open it with "
                "Workspace.get, or use exist_ok=True."
            )
        made = cls._of(existing or places.make(name, show_output=show_output), auth)
        made._keep(
            subscription_id=subscription_id,
            resource_group=resource_group,
            location=location,
            friendly_name=friendly_name,
            tags=dict(tags) if tags else None,
        )
        targets = {"CPU": default_cpu_compute_target, "GPU": default_gpu_compute_target}
        for kind, wanted in targets.items():
            if wanted is not None and made.get_default_compute_target(kind) is None:
                from faena_azureml.compute import ComputeTarget

                ComputeTarget.create(made, _DEFAULT_TARGETS[kind], wanted)
        return made

    @classmethod
    def get(
        cls,
        name: str,
        auth: object = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        **without_meaning: object,
    ) -> Self:
        """The workspace of that name among those of this user, else of a server that this user is logged in at.

        Raises WorkspaceException.
        """
        found = cls.__new__(cls)
        found._open_or_reach(name, places.find(name), lambda: listing.find(name), auth)
        found._keep(subscription_id=subscription_id, resource_group=resource_group)
        return found

    @classmethod
    def list(
        cls, subscription_id: str | None = None, auth: object = None, resource_group: str | None = None
    ) -> dict[str, builtins.list[Workspace]]:
        """This user's workspaces by name, whatever their subscription."""
        found: dict[str, list[Workspace]] = {}
        for folder in listing.list_folders():
            found.setdefault(folder.name, []).append(Workspace._of(folder, auth))
        return found

    @classmethod
    def from_config(
        cls,
        path: str | os.PathLike[str] | None = None,
        auth: object = None,
        _logger: object = None,
        _file_name: str | None = None,
    ) -> Self:
        """The workspace that a config.json names, opened, or made in the config's project when there is none.

        `path`: the file, or the folder to search from upwards (default: here); in each folder `.azureml`, `aml_config`
        and the folder itself are looked at, for `_file_name`, else config.json, else project.json. One that was written
        at a shared server names its URL. Inside a run without any: the run's own workspace; elsewhere without any: that
        of the server where `faena login` has logged in.
        Raises UserErrorException when no file is found or it names no workspace.
        """
        file = config.find(Path(path or ".").expanduser().absolute(), _file_name)
        if file is None:
            if path is None and (own := places.of_this_run()) is not None:
                return cls._of(own, auth)
            if path is None and (current := logins.read().current):
                return cls.connect(current)
            raise config.missing(path)
        named = config.read(file)
        if named.url is not None:
            there = cls.connect(named.url)
            there._keep(subscription_id=named.subscription_id, resource_group=named.resource_group)
            return there
        project = config.project_of(file)
        opened = named.folder_opened() or places.find(named.workspace_name, project)
        found = cls.__new__(cls)
        name = ids.check_workspace_name(named.workspace_name)
        found._open_or_reach(name, opened, lambda: places.make(name, project), auth)
        found._keep(subscription_id=named.subscription_id, resource_group=named.resource_group)
        return found

    def write_config(self, path: str | os.PathLike[str] | None = None, file_name: str | None = None) -> None:
        """Write `<path or here>/.azureml/config.json` (in `aml_config` where that exists), for `from_config`."""
        config.write(
            self, self._coordinates, Path(path or ".").expanduser().absolute(), file_name or "config.json"
        )

    @property
    def subscription_id(self) -> str:
        """As it was given; 'local' when it never was."""
        return self._coordinates.subscription_id

    @property
    def resource_group(self) -> str:
        """As it was given; 'local' when it never was."""
        return self._coordinates.resource_group

    @property
    def location(self) -> str:
        """As it was given; 'local' when it never was."""
        return self._coordinates.location

    @property
    def sku(self) -> str:
        return "Basic"

    @property
    def tags(self) -> dict[str, str]:
        return dict(self._coordinates.tags)

    @property
    def _auth_object(self) -> object:
        return self._auth

    @property
    def _workspace_id(self) -> str:
        return self.id

    @property
    def compute_targets(self) -> dict[str, ComputeTarget]:  # type: ignore[override]  # v1's handles
        from faena_azureml.compute import ComputeTarget

        return {target.name: target for target in ComputeTarget.list(self)}

    @property
    def environments(self) -> dict[str, Environment]:
        """The latest version of each registered environment, by name."""
        from faena_azureml.environments import Environment

        return Environment.list(self)

    @property
    def webservices(self) -> dict[str, Webservice]:
        """Services by name."""
        from faena_azureml.deploying.services import Webservice

        return {service.name: service for service in Webservice.list(self)}

    @property
    def images(self) -> dict[str, Any]:
        """Descriptions that this process has made, by name: scripts are served without images."""
        from faena_azureml.deploying.images import Image

        return {image.name: image for image in Image.list(self)}

    def get_default_compute_target(self, type: str) -> ComputeTarget | None:  # noqa: A002  v1 calls it so
        """'CPU' gives 'cpu-cluster', 'GPU' gives 'gpu-cluster', or None where there is none. Raises ValueError else."""
        if str(type).upper() not in _DEFAULT_TARGETS:
            raise ValueError(f"type is {type!r}. Use 'CPU' or 'GPU'.")
        return self.compute_targets.get(_DEFAULT_TARGETS[str(type).upper()])

    def update(
        self,
        friendly_name: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        **without_meaning: object,
    ) -> dict[str, Any]:
        """Keep what is given, which `get_details` shows. What belongs to the cloud is accepted and ignored."""
        self._keep(
            friendly_name=friendly_name, description=description, tags=None if tags is None else dict(tags)
        )
        return self.get_details()

    @property
    def linked_services(self) -> dict[str, Any]:
        """Empty: they belong to the cloud."""
        return {}

    setup = staticmethod(refusal("azureml.core.workspace.Workspace.setup"))
    update_dependencies = refusal("azureml.core.workspace.Workspace.update_dependencies")
    list_keys = refusal("azureml.core.workspace.Workspace.list_keys")
    sync_keys = refusal("azureml.core.workspace.Workspace.sync_keys")
    add_private_endpoint = refusal("azureml.core.workspace.Workspace.add_private_endpoint")
    delete_private_endpoint_connection = refusal(
        "azureml.core.workspace.Workspace.delete_private_endpoint_connection"
    )
    diagnose_workspace = refusal("azureml.core.workspace.Workspace.diagnose_workspace")
    list_connections = refusal("azureml.core.workspace.Workspace.list_connections")
    get_connection = refusal("azureml.core.workspace.Workspace.get_connection")
    set_connection = refusal("azureml.core.workspace.Workspace.set_connection")
    delete_connection = refusal("azureml.core.workspace.Workspace.delete_connection")
    discovery_url = refused_property("azureml.core.workspace.Workspace.discovery_url")
    service_context = refused_property("azureml.core.workspace.Workspace.service_context")

    def get_details(self) -> dict[str, Any]:
        """v1's keys; what only a cloud has is ''."""
        made = "" if self.url else iso((self.files.path / "workspace.json").stat().st_mtime_ns // 1000)
        where = self._coordinates
        cloud = dict.fromkeys(
            (
                "containerRegistry",
                "keyVault",
                "applicationInsights",
                "identityPrincipalId",
                "identityTenantId",
                "identityType",
            ),
            "",
        )
        group = f"/subscriptions/{where.subscription_id}/resourceGroups/{where.resource_group}"
        return {
            "id": f"{group}/workspaces/{self.name}",
            "name": self.name,
            "location": where.location,
            "type": "Faena",
            "workspaceid": self.id,
            "description": where.description,
            "friendlyName": where.friendly_name or self.name,
            "creationTime": made,
            **cloud,
            "storageAccount": self.url or str(self.folder),
            "sku": self.sku,
            "tags": self.tags,
        }

    def delete(self, delete_dependent_resources: bool = False, no_wait: bool = False) -> None:
        """Remove the workspace with its runs, models and data: its `.faena` folder.

        Raises WorkspaceException while a run of it has not ended, and NoFolder for the workspace of a shared server.
        """
        from faena_azureml import removal

        removal.remove(self)

    def __repr__(self) -> str:
        return (
            f"Workspace.create(name={self.name!r}, subscription_id={self.subscription_id!r}, "
            f"resource_group={self.resource_group!r})"
        )
