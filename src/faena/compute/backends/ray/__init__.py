"""Clusters whose nodes Ray starts: HTTP to its Jobs API, and a bridge of one file that runs in the cluster."""
