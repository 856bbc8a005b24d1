"""Evaluation sets: questions for an application, and what is expected of its answers."""
