"""The runner: one process is one node. Standard library and urllib3 only."""
