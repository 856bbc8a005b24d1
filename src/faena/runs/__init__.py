"""Runs: what was asked, where each is, why it ended; `engine/` moves them on, one file a phase."""
