"""Endpoints: what is deployed and how, and the handle of what answers."""
