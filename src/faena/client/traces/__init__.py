"""Traces: how applications answered requests, step by step."""
