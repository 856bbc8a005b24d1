"""The front of an endpoint: one process that answers over HTTP, with workers in the model's own environment."""
