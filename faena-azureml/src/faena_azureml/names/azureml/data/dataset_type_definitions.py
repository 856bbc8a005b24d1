"""v1's home of what is said of headers."""

from faena.client.data.dataset import PromoteHeadersBehavior

__all__ = ["PromoteHeadersBehavior"]
