"""What a sweep is to search, how, and when it stops."""
