"""What whoever runs a server watches: whether it lives and is ready, and what it counts."""
