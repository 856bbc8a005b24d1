"""Types of parameters, each by a sample."""
