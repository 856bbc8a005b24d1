"""v1's ways to log in: accepted, so that scripts need no change, and of no use. Secrets given are not kept."""

from __future__ import annotations

from faena_azureml.not_covered import refusal


class AbstractAuthentication:
    """What v1's authentication classes have in common. Nobody has to log in to a local workspace."""

    def __init__(self, *given: object, **named: object) -> None:
        """Whatever v1 takes, forgotten at once."""

    get_authentication_header = refusal("azureml.core.authentication.get_authentication_header")
    get_token = refusal("azureml.core.authentication.get_token")


class InteractiveLoginAuthentication(AbstractAuthentication):
    """v1: a browser asks the user."""


class ServicePrincipalAuthentication(AbstractAuthentication):
    """v1: a service's own name and password."""


class AzureCliAuthentication(AbstractAuthentication):
    """v1: whoever logged in with `az login`."""


class MsiAuthentication(AbstractAuthentication):
    """v1: the identity of a machine of Azure."""


class ArmTokenAuthentication(AbstractAuthentication):
    """v1: a token of Azure's resource manager."""


class TokenAuthentication(AbstractAuthentication):
    """v1: a function that gives tokens."""


class AzureMLTokenAuthentication(AbstractAuthentication):
    """v1: a run's own token."""
