"""v1's extras: of them, what a scoring script needs."""
