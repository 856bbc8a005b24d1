"""Clusters, their nodes over time, and their queues."""
