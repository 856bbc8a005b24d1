"""A view as escaped HTML and SVG without scripts."""
