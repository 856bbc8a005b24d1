"""Registered models, their versions, and what they come from."""
