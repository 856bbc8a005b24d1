"""v1's home of DataPath."""

from faena.client.data.data_reference import DataPath
from faena_azureml.not_covered import stand_in

DataPathComputeBinding = stand_in("azureml.data.datapath.DataPathComputeBinding")

__all__ = ["DataPath", "DataPathComputeBinding"]
