"""The page of one run, or of a sweep, and what is done with it there."""
