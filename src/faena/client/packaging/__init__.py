"""Packaged models: a folder that serves one anywhere, and an image where there is an engine."""
