"""v1's notebook widget; the live one comes later."""

from faena_azureml.widgets import RunDetails

__all__ = ["RunDetails"]
