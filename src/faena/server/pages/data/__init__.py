"""Datasets and datastores."""
