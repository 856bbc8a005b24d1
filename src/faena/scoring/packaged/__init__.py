"""What a packaged model brings along to be served anywhere: `start` and what it needs, the standard library alone."""
