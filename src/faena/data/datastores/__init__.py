"""Datastores: named folders that hold a workspace's data."""
