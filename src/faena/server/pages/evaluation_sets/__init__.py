"""Pages of evaluation sets: a list, and one with its records."""
