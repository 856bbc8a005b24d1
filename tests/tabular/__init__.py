"""Tabular datasets: files read as tables, in chunks of one schema."""
