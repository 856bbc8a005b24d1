"""The runner: one process is one node. Standard library only."""
