"""What runs logged, as numbers, charts and files."""
