"""Curves of metrics, as bytes that a page draws."""
