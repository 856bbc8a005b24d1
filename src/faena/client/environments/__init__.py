"""Environments, and the package lists that they are made from."""
