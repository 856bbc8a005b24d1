"""v1's AksCompute: where models are deployed to. Here that is this machine, whatever the cluster is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faena.client.workspaces.session import Session, checked
from faena.compute.kinds import ClusterKind
from faena.kernel import ids
from faena.kernel.errors import ComputeTargetException
from faena.script.messages import tell, tell_once
from faena_azureml.compute import ComputeTarget, forget
from faena_azureml.not_covered import refusal


class AksProvisioningConfiguration:
    """What `AksCompute.provisioning_configuration` returns. Agents, sizes and networks mean nothing here."""

    def __init__(
        self,
        agent_count: int | None = None,
        vm_size: str | None = None,
        ssl_cname: str | None = None,
        ssl_cert_pem_file: str | None = None,
        ssl_key_pem_file: str | None = None,
        location: str | None = None,
        vnet_resourcegroup_name: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
        service_cidr: str | None = None,
        dns_service_ip: str | None = None,
        docker_bridge_cidr: str | None = None,
        cluster_purpose: str | None = None,
        load_balancer_type: str | None = None,
        load_balancer_subnet: str | None = None,
    ) -> None:
        self.agent_count = agent_count
        self.vm_size = vm_size
        self.location = location
        self.cluster_purpose = cluster_purpose

    def enable_ssl(self, *given: Any, **named: Any) -> None:
        """A certificate belongs to a deployment here."""
        tell_once("faena: enable_ssl has no effect on a cluster. Give ssl_cert_pem_file to the deployment.")

    def validate_configuration(self) -> None:
        """Nothing that could be wrong has a meaning here."""

    def make_target(self, workspace: Session, name: str) -> AksCompute:
        return AksCompute(workspace, name)


class AksAttachConfiguration:
    """What `AksCompute.attach_configuration` returns."""

    def __init__(
        self,
        resource_group: str | None = None,
        cluster_name: str | None = None,
        resource_id: str | None = None,
        cluster_purpose: str | None = None,
        load_balancer_type: str | None = None,
        load_balancer_subnet: str | None = None,
    ) -> None:
        self.cluster_name = cluster_name
        self.cluster_purpose = cluster_purpose

    enable_ssl = AksProvisioningConfiguration.enable_ssl

    def make_target(self, workspace: Session, name: str) -> AksCompute:
        return AksCompute(workspace, name)


class AksCompute(ComputeTarget):
    """This machine under that name, for `Model.deploy(…, deployment_target=…)`: it is always there.

    Where a cluster of that name is joined by machines, one of them serves.

    Runs need an AmlCompute. Raises ComputeTargetException where the name is one's.
    """

    type = "AKS"
    provisioning_state = "Succeeded"
    provisioning_errors = None
    provisioning_configuration = AksProvisioningConfiguration
    attach_configuration = AksAttachConfiguration

    class ClusterPurpose:
        """v1's words, which change nothing."""

        DEV_TEST = "DevTest"
        FAST_PROD = "FastProd"

    def __init__(self, workspace: Session, name: str) -> None:
        self.workspace = checked(workspace)
        self._name = ids.check_cluster_name(name)
        there = next((each for each in workspace.api.clusters() if each.name == name), None)
        self.cluster = name if there is not None and there.kind == ClusterKind.JOINED else ""
        """The one whose machines serve; empty: this machine does."""
        if there is not None and not self.cluster:
            raise ComputeTargetException(
                f"{name} is an AmlCompute, which runs scripts. Use another name for where models are deployed to."
            )
        what = f"the machines that join {name!r}: one of them" if self.cluster else "this machine: it"
        tell_once(f"faena: an AKS cluster is {what} serves what is deployed to it.")

    @property
    def name(self) -> str:
        return self._name

    def wait_for_completion(self, show_output: bool = False) -> None:
        """Nothing to wait for."""
        if show_output:
            print('SucceededProvisioning operation finished, operation "Succeeded"')

    def refresh_state(self) -> None:
        """Nothing changes."""

    def update(self, update_configuration: Any = None) -> None:
        """Nothing to change."""

    def delete(self) -> None:
        """Nothing goes: endpoints are deleted by `service.delete()`."""
        forget(self)
        tell("faena: an AKS cluster is nothing of its own here. Delete services with service.delete().")

    detach = delete
    get_credentials = refusal("azureml.core.compute.AksCompute.get_credentials")

    def serialize(self) -> dict[str, Any]:
        return {"name": self.name, "computeType": self.type, "provisioningState": self.provisioning_state}

    @classmethod
    def deserialize(cls, workspace: Session, object_dict: Mapping[str, Any]) -> AksCompute:
        return cls(workspace, str(object_dict["name"]))
