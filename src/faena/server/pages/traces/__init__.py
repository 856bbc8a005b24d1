"""Pages of traces: a list, and one as a waterfall of its steps."""
