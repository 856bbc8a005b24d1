"""The queue of a cluster as people see it: who waits for what, and when each may start."""
