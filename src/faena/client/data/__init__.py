"""Datastores, and datasets in them."""
