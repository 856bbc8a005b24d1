"""`azureml`, the v1 SDK's names, supplied by faena-azureml; see `faena_azureml`."""
