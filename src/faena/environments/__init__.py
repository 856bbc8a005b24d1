"""Spec → lock → digest → ready interpreter, and the catalogue of framework pins."""
