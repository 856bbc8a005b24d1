"""v1's home of ModelDataCollector."""

from faena.scoring.worker.names.azureml.monitoring import ModelDataCollector

__all__ = ["ModelDataCollector"]
