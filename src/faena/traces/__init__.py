"""Traces: how an application answered one request, as whoever ran it told, with files of its spans."""
