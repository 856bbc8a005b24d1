"""Pages of a shared server: who may do what, by which tokens, and what was done."""
