"""Sampling that learns: Optuna in a process of its own, which never enters the server."""
