"""Endpoints whose fronts are on machines that joined a cluster."""
