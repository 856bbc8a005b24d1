"""Ids, clock, errors, settings and digests. Imports nothing else of Faena."""
