"""What persons and experiments may use of the workspace, and what they use."""
