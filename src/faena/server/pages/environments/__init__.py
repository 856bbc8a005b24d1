"""Environments and their locks."""
