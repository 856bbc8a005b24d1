"""A view as a widget that is sent what changed."""
