"""A server that people reach from their own machines: where it listens, and who is let in."""
