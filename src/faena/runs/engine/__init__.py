"""Moves runs on: prepare, place, attempts, liveness; `loop` calls them in turn."""
