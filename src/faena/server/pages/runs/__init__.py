"""The table of runs: what was asked of it, its columns, its rows."""
