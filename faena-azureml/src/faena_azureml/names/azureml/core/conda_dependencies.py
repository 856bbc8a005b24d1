"""v1's home of CondaDependencies."""

from faena.client.conda_dependencies import CondaDependencies

__all__ = ["CondaDependencies"]
