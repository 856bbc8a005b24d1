"""v1's notebook widget."""

from azureml.core import __version__

from faena_azureml.widgets import RunDetails

__all__ = ["RunDetails", "__version__"]
