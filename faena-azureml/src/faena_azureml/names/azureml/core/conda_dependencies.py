"""v1's home of CondaDependencies."""

from faena.client.environments.conda_dependencies import CondaDependencies

__all__ = ["CondaDependencies"]
