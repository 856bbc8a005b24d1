"""Faena: train, track, register and serve models on machines that people own."""

__version__ = "0.1.0"
