"""Clusters on Ray, without Ray."""
