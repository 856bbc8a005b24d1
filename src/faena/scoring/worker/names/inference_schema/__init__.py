"""Typed parameters of `run`, where the environment has no inference-schema: the same names, the same forms."""

__version__ = "1.8+faena"
