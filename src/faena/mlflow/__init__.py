"""MLflow's protocol over the same history: its words to ours and back. No store of its own."""
