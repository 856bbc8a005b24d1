"""Reads MLflow's stores (folders, databases, servers) into a workspace, and writes one."""
