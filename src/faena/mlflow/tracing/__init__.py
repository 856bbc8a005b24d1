"""Traces in MLflow's words, of both versions of its protocol and of OpenTelemetry's."""
