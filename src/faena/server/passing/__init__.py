"""Requests that only the process which leads can answer are sent on to it."""
