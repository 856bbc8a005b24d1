"""`azureml`, the v1 SDK's names, supplied by faena-azureml; see `faena_azureml`."""

from faena_azureml import removed_names

removed_names.install()
del removed_names
