"""Deployed models; they come later."""

from faena_azureml.not_covered import stand_in

AciWebservice = stand_in("azureml.core.webservice.AciWebservice")
AksEndpoint = stand_in("azureml.core.webservice.AksEndpoint")
AksWebservice = stand_in("azureml.core.webservice.AksWebservice")
LocalWebservice = stand_in("azureml.core.webservice.LocalWebservice")
Webservice = stand_in("azureml.core.webservice.Webservice")

__all__ = [
    "AciWebservice",
    "AksEndpoint",
    "AksWebservice",
    "LocalWebservice",
    "Webservice",
]
