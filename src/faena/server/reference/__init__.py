"""The description of the API: what the framework makes of routes, and what it does not know of them."""
