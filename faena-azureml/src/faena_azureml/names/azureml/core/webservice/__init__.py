"""v1's home of deployed models."""

from faena_azureml.deploying.services import AciWebservice, AksWebservice, LocalWebservice, Webservice
from faena_azureml.not_covered import stand_in

AksEndpoint = stand_in("azureml.core.webservice.AksEndpoint")

__all__ = [
    "AciWebservice",
    "AksEndpoint",
    "AksWebservice",
    "LocalWebservice",
    "Webservice",
]
