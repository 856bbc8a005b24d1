"""Takes histories that were made with MLflow into a workspace, in large parts and each run whole."""
