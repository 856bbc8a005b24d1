"""Machines that join clusters: what they are, their tokens, and their nodes."""
