"""Scripts for MLflow's own clients, run in environments of theirs."""
