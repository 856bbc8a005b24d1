"""Spans as OpenTelemetry's exporters send them (OTLP): protocol buffers or JSON, read into the same values."""
