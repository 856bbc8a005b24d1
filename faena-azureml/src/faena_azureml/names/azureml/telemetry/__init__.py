"""v1's switch for telemetry. Nothing is ever sent from here."""

from faena_azureml.telemetry import set_diagnostics_collection

__all__ = ["set_diagnostics_collection"]
